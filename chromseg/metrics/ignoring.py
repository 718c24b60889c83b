"""Predictions on pixels of which nothing is known: neither right nor invented, they are left out of every score."""

from __future__ import annotations

import numpy as np

from chromseg.arrays import F64, Bool
from chromseg.metrics.overlap import box_ious, check_same_size, mask_ious

_MOSTLY = 0.5  # share of a prediction that lies on ignored pixels, as COCO's crowds have it
_KNOWN = 0.5  # IoU from which a prediction is of a known chromosome, wherever it lies


def counted_masks(pred: Bool, target: Bool, ignored: Bool | None) -> Bool:
    """Which predictions count: all but those that lie mostly on ignored pixels and are of no known chromosome.

    Args:
        pred: bool (P, H, W).
        target: bool (T, H, W), the known chromosomes.
        ignored: bool (H, W); None where all is known.

    Returns:
        bool (P,).

    Raises:
        MaskError: They are not of one size.
    """
    if ignored is None:
        return np.ones(len(pred), dtype=bool)
    check_same_size(pred, ignored[None], ndim=3)
    areas = pred.sum(axis=(1, 2))
    unknown = (pred & ignored).sum(axis=(1, 2)) > _MOSTLY * areas
    return np.asarray(~unknown | _known(mask_ious(pred, target)))


def counted_boxes(pred: F64, target: F64, ignored: Bool | None) -> Bool:
    """The same of boxes xyxy, float64 (P, 4) and (T, 4): bool (P,)."""
    if ignored is None:
        return np.ones(len(pred), dtype=bool)
    corners = np.maximum(np.rint(pred), 0).astype(int)
    windows = [ignored[top:bottom, left:right] for left, top, right, bottom in corners]
    unknown = np.array([window.size > 0 and window.mean() > _MOSTLY for window in windows], dtype=bool)
    return np.asarray(~unknown | _known(box_ious(pred, target)))


def _known(ious: F64) -> Bool:
    return np.asarray(ious.max(axis=1, initial=0) >= _KNOWN)
