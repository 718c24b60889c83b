"""Validation of an image before prediction: the light way for one, Great Expectations over a whole folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol

import numpy.typing as npt

from chromseg.arrays import U8
from chromseg.validation.facts import PIXEL_FACTS, SHAPE_FACTS, Facts, image_facts
from chromseg.validation.light import evaluate_light
from chromseg.validation.limits import ImageLimits
from chromseg.validation.report import Report
from chromseg.validation.rules import image_rules


class DecodedPage(Protocol):
    """What reading an image file gives: `grey` real (H, W), `rgb` uint8 (H, W, 3) or None, `bit_depth`."""

    @property
    def grey(self) -> npt.NDArray[Any]:
        """Real (H, W)."""

    @property
    def rgb(self) -> U8 | None:
        """uint8 (H, W, 3), or None for a grey file."""

    @property
    def bit_depth(self) -> int:
        """Bits a pixel."""


@dataclass(frozen=True)
class InputCheck:
    """The input rules with their limits, as a predictor holds them; called on a page, it refuses what breaks them."""

    limits: ImageLimits = field(default_factory=ImageLimits)

    def __call__(self, page: DecodedPage, name: str = "the image") -> Report:
        """Judge one decoded page, in about 10 ms for 768×576.

        Args:
            page: The page.
            name: What reports and errors call it.

        Returns:
            The report, which may hold warnings.

        Raises:
            InputRefusedError: A critical rule is broken; the message has every reason and remedy.
        """
        facts = {"file": name} | image_facts(page.grey, page.rgb, page.bit_depth)
        report = check_facts([facts], name, self.limits)
        report.raise_refused()
        return report


def check_input(
    grey: npt.NDArray[Any],
    rgb: U8 | None = None,
    bit_depth: int | None = None,
    *,
    name: str = "the image",
    limits: ImageLimits = ImageLimits(),  # noqa: B008 — frozen
) -> Report:
    """Judge one decoded image without raising; arguments as of `facts.image_facts`.

    Returns:
        A report whose `ok` is False if the image must not be predicted on.
    """
    return check_facts([{"file": name} | image_facts(grey, rgb, bit_depth)], name, limits)


def check_facts(rows: Sequence[Facts], name: str, limits: ImageLimits = ImageLimits()) -> Report:  # noqa: B008 — frozen
    """Judge facts that were measured before, the light way; each row has `file`."""
    return evaluate_light(name, image_rules(limits), rows)


def unreadable_facts(file: str, reason: str) -> Facts:
    """The row of a file that could not be decoded, so that a folder's report names it too."""
    return {"file": file, "unreadable": reason} | dict.fromkeys(SHAPE_FACTS + PIXEL_FACTS)


def validate_inputs(rows: Sequence[Facts], name: str, limits: ImageLimits = ImageLimits()) -> Report:  # noqa: B008
    """Judge the facts of a whole folder with Great Expectations: the same verdicts as `check_facts`.

    Where the extra `data` is not installed, `check_facts` gives them; a test holds the two to equal reports.

    Args:
        rows: `{"file": …} | image_facts(…)` or `unreadable_facts(…)` of each image.
        name: What the report is called.
        limits: What is allowed.
    """
    if find_spec("great_expectations") is None:
        return check_facts(rows, name, limits)
    from chromseg.validation.engine import evaluate  # imports Great Expectations, which takes seconds

    return evaluate(name, image_rules(limits), rows)
