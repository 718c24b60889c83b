"""What becomes of one picture of a cohort: exactly one of these. No network is needed to know it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chromseg.cohort.sources import PictureFile
from chromseg.errors import ChromsegError, InputRefusedError

SET_ASIDE = "set-aside"  # as a rule that a picture broke
Status = Literal["done", "refused", "skipped", "failed"]
"""Refused: the picture must not be predicted on. Failed: that is not known, and the next run tries again."""


@dataclass(frozen=True)
class PictureOutcome:
    """What became of one picture.

    Attributes:
        file: The picture.
        status: See `Status`.
        image_sha256: Of its bytes; "" where they could not be read.
        count: Chromosomes, of all its pages.
        flagged: Of them with a flag.
        unclaimed: Pieces that may be chromosomes and belong to none; None where no model drew a map.
        warnings: Of the rules, in words.
        rule: The rule that refused it, or why it failed; "" if it did not.
        error: Why, for people; None if all is well.
        pages: For each page a row of the table of pictures.
        chromosomes: For each chromosome a row of the other table; empty once they are written.
        timings_ms: By step, pages together.
        known: An earlier run decided this, and wrote it.
    """

    file: PictureFile
    status: Status
    image_sha256: str = ""
    count: int = 0
    flagged: int = 0
    unclaimed: int | None = None
    warnings: tuple[str, ...] = ()
    rule: str = ""
    error: ChromsegError | None = None
    pages: tuple[dict[str, Any], ...] = ()
    chromosomes: tuple[dict[str, Any], ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    known: bool = False


def failed(file: PictureFile, error: ChromsegError, image_sha256: str = "", rule: str = "") -> PictureOutcome:
    """A picture that was refused, or could not be worked on."""
    status: Status = "refused" if isinstance(error, InputRefusedError) else "failed"
    return PictureOutcome(file, status, image_sha256, rule=rule or rule_of(error), error=error)


def rule_of(error: ChromsegError) -> str:
    """The rule that an error names, or what cannot be done."""
    named = re.search(r"\brule ([a-z-]+)", error.got)
    if named:
        return named[1]
    return "unreadable" if "cannot be read" in error.got else "other"
