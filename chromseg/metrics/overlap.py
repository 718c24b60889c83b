"""How much masks, boxes and regions cover each other: the tables from which every score is read."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from chromseg.annotations.maps import label_regions
from chromseg.arrays import F64, I64, Bool
from chromseg.errors import MaskError

CrowdFlags: TypeAlias = Bool


def mask_ious(pred: Bool, target: Bool, crowd: CrowdFlags | None = None) -> F64:
    """Intersection over union of every predicted with every true instance.

    Chromosomes fill a thousandth of a metaphase each, hence a sparse product: 50 × 50 masks of 768 × 576 in some 20 ms.

    Args:
        pred: bool (P, H, W).
        target: bool (T, H, W).
        crowd: bool (T,). True where a target is a COCO crowd region, whose "union" is the prediction alone.

    Returns:
        float64 (P, T) within 0–1; 0 where both masks are empty.

    Raises:
        MaskError: The two are not bool stacks of images of one size.
    """
    check_same_size(pred, target, ndim=3)
    rows, cols = _as_rows(pred), _as_rows(target)
    intersection = np.asarray((rows @ cols.T).todense(), dtype=np.float64)
    return _over_union(intersection, np.diff(rows.indptr), np.diff(cols.indptr), crowd)


def box_ious(pred: F64, target: F64, crowd: CrowdFlags | None = None) -> F64:
    """Intersection over union of every predicted with every true box: xyxy (P, 4), (T, 4) → float64 (P, T)."""
    corner0 = np.maximum(pred[:, None, :2], target[None, :, :2])  # P, T, 2
    corner1 = np.minimum(pred[:, None, 2:], target[None, :, 2:])
    intersection = np.clip(corner1 - corner0, 0, None).prod(axis=-1)
    return _over_union(intersection, _areas(pred), _areas(target), crowd)


def region_overlaps(first: Bool, second: Bool) -> I64:
    """Common pixels of every 8-connected region of two maps bool (H, W).

    Returns:
        int64 (F + 1, S + 1): row 0 and column 0 stand for the ground, so that rows and columns sum to the areas.
    """
    labels_first, count_first = label_regions(first)
    labels_second, count_second = label_regions(second)
    pairs = labels_first.ravel().astype(np.int64) * (count_second + 1) + labels_second.ravel()
    counts = np.bincount(pairs, minlength=(count_first + 1) * (count_second + 1))
    return counts.reshape(count_first + 1, count_second + 1)


def check_same_size(pred: npt.NDArray[Any], target: npt.NDArray[Any], ndim: int) -> None:
    """Refuse what cannot be compared pixel by pixel.

    Raises:
        MaskError: Not bool, not of `ndim` dimensions, or of different height or width.
    """
    alike = pred.ndim == target.ndim == ndim and pred.shape[-2:] == target.shape[-2:]
    if not alike or pred.dtype != bool or target.dtype != bool:
        raise MaskError(
            f"{pred.dtype} {pred.shape} beside {target.dtype} {target.shape}",
            expected=f"two bool arrays of {ndim} dimensions with the same height and width",
            remedy="bring the prediction to the size of its truth first",
        )


def _as_rows(masks: Bool) -> sparse.csr_array:
    """One sparse row of int32 ones per mask."""
    count, pixels = len(masks), int(np.prod(masks.shape[1:]))
    flat = np.flatnonzero(masks)
    starts = np.searchsorted(flat, np.arange(count + 1) * pixels)
    columns = flat - np.repeat(np.arange(count) * pixels, np.diff(starts))
    return sparse.csr_array((np.ones(flat.size, np.int32), columns, starts), shape=(count, pixels))


def _areas(boxes: F64) -> F64:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=-1))


def _over_union(
    intersection: F64, pred_areas: npt.NDArray[Any], target_areas: npt.NDArray[Any], crowd: CrowdFlags | None
) -> F64:
    union = pred_areas[:, None] + target_areas[None, :] - intersection
    if crowd is not None:
        union = np.where(crowd, pred_areas[:, None], union)
    return np.asarray(np.divide(intersection, union, out=np.zeros(intersection.shape), where=union > 0))
