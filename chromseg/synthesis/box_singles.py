"""Single chromosomes of pictures that have boxes alone: what is dark in a box that holds nothing else.

An annotator's box is drawn some pixels around its chromosome. Where one connected dark region fills the box less that
margin, and is the largest of no other box, it is the chromosome's outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import F32, I32, Bool
from chromseg.boxes import Window, box_of

MARGIN = (5.0, 6.0, 4.0, 3.0)  # px from box to chromosome: left, top, right, bottom; measured on cil24
_OF_OTSU = 0.65  # Otsu's threshold lies inside the bands of a chromosome; its rim is paler
_LEAST_IOU = 0.8  # of the region's own box with the annotator's less its margin


@dataclass(frozen=True)
class BoxSingles:
    """What the boxes of one picture say about outlines.

    Attributes:
        dark: bool (H, W), all that is as dark as chromosomes within the boxes.
        outlines: By index of the box, bool (H, W): single chromosomes.
        cut_off: Those whose dark region goes on outside all boxes: debris hangs on them, and ends where the box does.
    """

    dark: Bool
    outlines: dict[int, Bool]
    cut_off: frozenset[int] = frozenset()


def box_singles(absorbance: F32, boxes: F32, margin: tuple[float, float, float, float] = MARGIN) -> BoxSingles:
    """Find the boxes that hold one chromosome and nothing else, and its outline.

    Args:
        absorbance: float32 (H, W).
        boxes: float32 (N, 4) xyxy, a chromosome each; clipped to the picture.
        margin: Pixels between box and chromosome: left, top, right, bottom.

    Returns:
        The dark regions and the outlines found; none where the picture has no boxes.
    """
    inside = np.zeros(absorbance.shape, dtype=bool)
    for box in boxes:
        inside[window(box)] = True
    if not inside.any() or np.ptp(absorbance[inside]) == 0:
        return BoxSingles(np.zeros_like(inside), {})
    threshold = _OF_OTSU * threshold_otsu(absorbance[inside])
    beyond = ndimage.binary_dilation(~inside & (absorbance > threshold), structure=EIGHT_CONNECTED)
    dark = ndimage.binary_fill_holes(inside & (absorbance > threshold))
    dark = ndimage.binary_opening(dark, structure=EIGHT_CONNECTED)  # hairs and specks on its rim
    labels, _ = ndimage.label(dark, structure=EIGHT_CONNECTED)
    tight = tightened(boxes, margin)
    owners = [region_in(labels, box) for box in tight]
    alone = {label for label in owners if label and owners.count(label) == 1}
    regions = {index: labels == label for index, label in enumerate(owners) if label in alone}
    outlines = {index: region for index, region in regions.items() if _fills(region, tight[index])}
    cut_off = frozenset(index for index, outline in outlines.items() if (outline & beyond).any())
    return BoxSingles(dark, outlines, cut_off)


def tightened(boxes: F32, margin: tuple[float, float, float, float] = MARGIN) -> F32:
    """Annotators' boxes (N, 4) brought in to their chromosomes."""
    return boxes + np.array([margin[0], margin[1], -margin[2], -margin[3]], dtype=np.float32)


def region_in(labels: I32, box: F32) -> int:
    """The labelled region that covers most of a box; 0 if none does."""
    counts = np.bincount(labels[window(box)].ravel())
    return 1 + int(np.argmax(counts[1:])) if len(counts) > 1 else 0


def _fills(region: Bool, box: F32) -> bool:
    own = np.array(box_of(region), dtype=np.float64)
    width, height = np.minimum(own[2:], box[2:]) - np.maximum(own[:2], box[:2])
    shared = max(width, 0) * max(height, 0)
    areas = np.prod(own[2:] - own[:2]) + np.prod(box[2:] - box[:2])
    return bool(shared >= _LEAST_IOU * (areas - shared))


def window(box: F32) -> Window:
    """Rows and columns of a box xyxy, as far as they are not negative."""
    left, top, right, bottom = np.maximum(np.rint(box), 0).astype(int).tolist()
    return slice(top, bottom), slice(left, right)
