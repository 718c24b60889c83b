"""What becomes of one picture of a cohort: exactly one of these."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chromseg.cohort.sources import PictureFile
from chromseg.errors import ChromsegError, InputRefusedError
from chromseg.inference.exports import to_coco
from chromseg.inference.files import warnings_of
from chromseg.inference.one_picture import Verdict
from chromseg.inference.result import Result

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


def outcome_of(file: PictureFile, image_sha256: str, verdicts: list[Verdict]) -> PictureOutcome:
    """The verdicts on a picture's pages as one: refused as soon as one page is."""
    results = [(each.page, each.outcome) for each in verdicts if isinstance(each.outcome, Result)]
    refused = [each.outcome for each in verdicts if isinstance(each.outcome, InputRefusedError)]
    timings: Counter[str] = Counter()
    for _, result in results:
        timings.update(result.timings_ms)
    return PictureOutcome(
        file,
        "refused" if refused else "done",
        image_sha256,
        count=sum(len(result.instances) for _, result in results),
        flagged=sum(result.flagged for _, result in results),
        warnings=tuple(note for _, result in results for note in warnings_of(result.validation)),
        rule=rule_of(refused[0]) if refused else "",
        error=refused[0] if refused else None,
        pages=tuple(_page_row(each) for each in verdicts),
        chromosomes=tuple(row for page, result in results for row in _chromosome_rows(page, result)),
        timings_ms=dict(timings),
    )


def rule_of(error: ChromsegError) -> str:
    """The rule that an error names, or what cannot be done."""
    named = re.search(r"\brule ([a-z-]+)", error.got)
    if named:
        return named[1]
    return "unreadable" if "cannot be read" in error.got else "other"


def _page_row(verdict: Verdict) -> dict[str, Any]:
    result = verdict.outcome
    if isinstance(result, InputRefusedError):
        return {"page": verdict.page, "refused": str(result)}
    height, width = result.absorbance.shape
    return {
        "page": verdict.page,
        "height": height,
        "width": width,
        "polarity": result.polarity,
        "scale": round(result.scale, 4),
        "chromosomes": len(result.instances),
        "flagged": result.flagged,
    }


def _chromosome_rows(page: int, result: Result) -> list[dict[str, Any]]:
    """One row a chromosome, from what `instances.json` would say of it."""
    rows = []
    for annotation in to_coco(result)["annotations"]:
        x, y, width, height = annotation["bbox"]
        rle = annotation["segmentation"]
        kept = ("id", "area", "score", "probability", "uncertainty", "flags")
        rows.append(
            {key: annotation[key] for key in kept}
            | {"page": page, "x": x, "y": y, "width": width, "height": height}
            | {"rle_counts": rle["counts"], "rle_height": rle["size"][0], "rle_width": rle["size"][1]}
        )
    return rows
