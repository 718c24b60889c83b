"""Validation of a result: does the whole of one image's instances look like chromosomes?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from chromseg.arrays import Bool
from chromseg.validation.facts import Facts
from chromseg.validation.light import evaluate_light
from chromseg.validation.limits import ResultLimits
from chromseg.validation.report import Report
from chromseg.validation.rules import result_rules

REVIEW_FLAG = "needs-review"
_ODD_AREAS = (0.1, 6.0)  # × the model's median area; real chromosomes are within 0.15-4


class FoundChromosome(Protocol):
    """What a prediction gives of one chromosome."""

    @property
    def mask(self) -> Bool:
        """Of the chromosome, bool (H, W)."""

    @property
    def flags(self) -> tuple[str, ...]:
        """Names such as "needs-review"."""


def result_facts(
    instances: Sequence[FoundChromosome],
    chromosome: npt.NDArray[Any] | None,
    median_area: float | None,
    nearest: tuple[str, float] | None = None,
    unclaimed: int | None = None,
) -> Facts:
    """Measure the result of one image.

    Args:
        instances: What was found.
        chromosome: bool (H, W), or probabilities float (H, W), of being chromosome, at the masks' size; None if not
            at hand.
        median_area: Of the model's training chromosomes at this image's scale, in px; None if unknown.
        nearest: The stain known to the model that the picture looks most like, and how strange it is beside that
            (`inference.familiarity`); None where nothing is known.
        unclaimed: Pieces of the chromosome map that no instance has; None if not at hand.

    Returns:
        `n_instances`; `review_share`; `median_area_px`; `odd_share`, fraction of instances far from `median_area`;
        `coverage`, fraction of the chromosome map that instances cover; `n_unclaimed`; `strangeness`. None where there
        is nothing to measure.
    """
    areas = np.array([instance.mask.sum() for instance in instances], dtype=float)
    facts: Facts = {"n_instances": len(instances), "review_share": None, "median_area_px": None}
    facts |= {"odd_share": None, "coverage": None, "n_unclaimed": unclaimed, "strangeness": nearest and nearest[1]}
    if len(instances):
        facts["review_share"] = float(np.mean([REVIEW_FLAG in instance.flags for instance in instances]))
        facts["median_area_px"] = float(np.median(areas))
    if len(instances) and median_area:
        low, high = (bound * median_area for bound in _ODD_AREAS)
        facts["odd_share"] = float(np.mean((areas < low) | (areas > high)))
    if chromosome is not None:
        facts["coverage"] = _coverage(instances, np.asarray(chromosome >= 0.5))
    return facts


def check_result(
    instances: Sequence[FoundChromosome],
    chromosome: npt.NDArray[Any] | None = None,
    median_area: float | None = None,
    nearest: tuple[str, float] | None = None,
    unclaimed: int | None = None,
    *,
    name: str = "the result",
    limits: ResultLimits = ResultLimits(),  # noqa: B008 — frozen
    strict: bool = False,
) -> Report:
    """Judge the result of one image; arguments as of `result_facts`.

    Only a count beyond all bounds is critical, and if `strict` a picture like none that the model knows.
    """
    facts = {"file": name} | result_facts(instances, chromosome, median_area, nearest, unclaimed)
    return evaluate_light(name, result_rules(limits, median_area, nearest and nearest[0], strict=strict), [facts])


def _coverage(instances: Sequence[FoundChromosome], chromosome: Bool) -> float | None:
    if not chromosome.any():
        return None
    covered = np.zeros(chromosome.shape, dtype=bool)
    for instance in instances:
        covered |= instance.mask
    return float(covered[chromosome].mean())
