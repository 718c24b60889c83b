"""Scores of stage 1: are the two maps right, and is every crossing found?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromseg.annotations.clusters import MIN_CROSSING_AREA
from chromseg.arrays import Bool
from chromseg.metrics.overlap import check_same_size, region_overlaps

_MATCH_IOU = 0.5


def iou(pred: Bool, target: Bool) -> float:
    """Intersection over union of two maps bool (H, W).

    An empty target asks for an empty prediction: 0 if anything is predicted, else there is nothing to measure.

    Returns:
        0–1; NaN when both are empty.

    Raises:
        MaskError: Not two bool maps of one size.
    """
    check_same_size(pred, target, ndim=2)
    union = np.count_nonzero(pred | target)
    return float(np.count_nonzero(pred & target) / union) if union else float("nan")


def mean_iou(values: Sequence[float]) -> tuple[float | None, int]:
    """Mean over the images that can be measured, and how many were left out (NaN).

    Returns:
        The mean, None if no image is left, and the number of images left out.
    """
    finite = [value for value in values if not np.isnan(value)]
    return (float(np.mean(finite)) if finite else None), len(values) - len(finite)


def well_detected(pred_crossing: Bool, true_crossing: Bool) -> bool:
    """Whether a cluster's crossings are all found, and none invented (the condition behind OverlapAcc).

    Every true crossing region of ≥ 40 px must match a predicted one, of any size, one to one at IoU ≥ 0.5. A left-over
    prediction counts against the cluster unless it is smaller than 40 px or shares a pixel with a smaller true region.
    No assignment is needed: regions of one map are disjoint and apart, so at IoU ≥ 0.5 each has at most one partner.

    Args:
        pred_crossing: bool (H, W).
        true_crossing: bool (H, W). Without a region of ≥ 40 px, the question is only whether one was invented.

    Raises:
        MaskError: Not two bool maps of one size.
    """
    check_same_size(pred_crossing, true_crossing, ndim=2)
    overlaps = region_overlaps(true_crossing, pred_crossing)
    true_areas, pred_areas = overlaps.sum(axis=1)[1:], overlaps.sum(axis=0)[1:]
    overlaps = overlaps[1:, 1:]  # true regions, predicted regions
    matches = overlaps >= _MATCH_IOU * (true_areas[:, None] + pred_areas[None, :] - overlaps)
    large = true_areas >= MIN_CROSSING_AREA
    excused = (pred_areas < MIN_CROSSING_AREA) | (overlaps[~large] > 0).any(axis=0)
    return bool(matches[large].any(axis=1).all() and (matches.any(axis=0) | excused).all())
