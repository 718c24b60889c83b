"""Which of the paper's three ways a cut-out failed (ChromSeg §IV)."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from chromseg.annotations.clusters import MIN_CROSSING_AREA, regions_of_at_least
from chromseg.annotations.maps import label_regions
from chromseg.annotations.samples import Sample
from chromseg.arrays import Bool
from chromseg.evaluation.judging import CutoutCase
from chromseg.metrics import SPLICE_IOU

CutoutOutcome: TypeAlias = Literal["good", "detection", "splicing", "connected"]
OUTCOMES: dict[CutoutOutcome, str] = {
    "good": "well-detected and well-spliced",
    "detection": "a crossing missed, invented or misshapen (stage 1)",
    "splicing": "crossings found, parts joined wrongly (stage 2)",
    "connected": "two crossings so close that they came out as one",
}


def outcome_of(sample: Sample, case: CutoutCase) -> CutoutOutcome:
    """Sort one judged cut-out; a set without instances is good where it is well-detected."""
    score = case.score
    if score.well_detected and (score.splice is None or score.splice >= SPLICE_IOU):
        return "good"
    if _joins_crossings(case.crossing, sample.crossing):
        return "connected"
    return "splicing" if score.well_detected else "detection"


def _joins_crossings(pred: Bool, target: Bool) -> bool:
    """Whether one predicted region covers pixels of two true ones (≥ 40 px each)."""
    true, _ = label_regions(regions_of_at_least(target, MIN_CROSSING_AREA))
    found, count = label_regions(pred)
    return any(len(np.unique(true[(found == region) & (true > 0)])) > 1 for region in range(1, count + 1))
