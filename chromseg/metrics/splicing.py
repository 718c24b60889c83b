"""Scores of stage 2: is every chromosome of a cluster there, whole and alone?"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from chromseg.arrays import F64, I64, Bool
from chromseg.metrics.overlap import mask_ious

SPLICE_IOU = 0.8


def match_instances(pred: Bool, target: Bool) -> tuple[I64, F64]:
    """The one-to-one assignment of predicted to true instances with the highest sum of IoUs.

    Args:
        pred: bool (P, H, W).
        target: bool (T, H, W).

    Returns:
        pairs int64 (K, 2) of (predicted, true) index with K = min(P, T), ascending in the first, and their IoUs
        float64 (K,), which may be 0.

    Raises:
        MaskError: Not two bool stacks of one image size.
    """
    return assign(mask_ious(pred, target))


def assign(ious: F64) -> tuple[I64, F64]:
    """`match_instances` from the table of IoUs float64 (P, T)."""
    rows, cols = linear_sum_assignment(ious, maximize=True)
    return np.stack([rows, cols], axis=1).astype(np.int64), ious[rows, cols]


def splice_quality(pred: Bool, target: Bool, *, refused: bool = False) -> float:
    """The IoU up to which a cluster is well-spliced.

    Well-spliced at a threshold: as many chromosomes as in the truth and, under the best one-to-one assignment, every
    IoU at or above the threshold. So one number answers for all thresholds: the lowest IoU of the assignment.

    Args:
        pred: bool (P, H, W).
        target: bool (T, H, W).
        refused: Whether the cluster was handed to a person for review; then it is well-spliced at no threshold.

    Returns:
        0–1; 0 when refused or when the counts differ, 1 when there is no chromosome on either side.
    """
    if refused or len(pred) != len(target):
        return 0.0
    return float(match_instances(pred, target)[1].min(initial=1.0))


def well_spliced(pred: Bool, target: Bool, threshold: float = SPLICE_IOU, *, refused: bool = False) -> bool:
    """Whether `pred` bool (P, H, W) holds the chromosomes of `target` bool (T, H, W); see `splice_quality`."""
    return not refused and splice_quality(pred, target) >= threshold
