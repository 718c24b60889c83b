"""The seam between two chromosomes that touch without crossing: what the third branch of a network learns."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import ndimage

from chromseg.annotations.clusters import MIN_CROSSING_AREA, regions_of_at_least
from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import Bool
from chromseg.boxes import box_of

_CROSSING_RIM = 3  # units around a true crossing that are its border, no seam


def contact_map(masks: Bool, unit: int = 1) -> Bool:
    """Seams between all pairs of an image's instances: bool (N, H, W) → (H, W); `unit` as of `seam`."""
    found = np.zeros(masks.shape[1:], dtype=bool)
    boxes = [_box(mask, (_CROSSING_RIM + 1) * unit) for mask in masks]
    for (mask, box), (other, other_box) in combinations(zip(masks, boxes, strict=True), 2):
        top, left = max(box[0], other_box[0]), max(box[1], other_box[1])
        bottom, right = min(box[2], other_box[2]), min(box[3], other_box[3])
        if top < bottom and left < right:  # the boxes, grown by a margin, share pixels
            window = np.s_[top:bottom, left:right]
            found[window] |= seam(mask[window], other[window], unit)
    return found


def seam(mask: Bool, other: Bool, unit: int = 1) -> Bool:
    """Pixels within a unit of both instances, or in both, away from where they truly cross.

    The ground between two chromosomes one pixel apart belongs to the seam, because a predicted chromosome map often
    closes such a gap; an overlap of fewer than 40 px belongs to it too, because that is how two drawn outlines touch.

    Args:
        mask: bool (H, W), one instance.
        other: bool (H, W), another.
        unit: Pixels in one pixel of the maps that the seam is for.

    Returns:
        bool (H, W), two to three units wide; all False where the instances are apart.
    """
    near = ndimage.binary_dilation(mask, EIGHT_CONNECTED, unit) & ndimage.binary_dilation(other, EIGHT_CONNECTED, unit)
    if not near.any():
        return np.asarray(near)
    crossing = regions_of_at_least(mask & other, MIN_CROSSING_AREA * unit**2)
    if crossing.any():
        near &= ~ndimage.binary_dilation(crossing, EIGHT_CONNECTED, iterations=_CROSSING_RIM * unit)
    return np.asarray(near)


def _box(mask: Bool, margin: int) -> tuple[int, int, int, int]:
    """(row0, col0, row1, col1) around a mask with a margin; empty (all 0) for an empty mask."""
    left, top, right, bottom = box_of(mask)
    if not right:
        return 0, 0, 0, 0
    return max(top - margin, 0), max(left - margin, 0), bottom + margin, right + margin
