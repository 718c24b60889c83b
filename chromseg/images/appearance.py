"""What a picture looks like before any network sees it: its polarity, how wide its chromosomes are, and how many.

Both are estimates, and look at a bounded number of pixels (`reduction`), however large the picture is.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize

from chromseg.arrays import F32, F64, Bool, Intp
from chromseg.images.absorbance import Polarity
from chromseg.images.reduction import reduced

_Depth: TypeAlias = F64
_Counts: TypeAlias = Intp

_MIN_OBJECT_AREA = 30
_MIN_OBJECT_SHARE = 0.02  # of the largest object
_BELOW_OTSU = 0.8  # pale bands belong to the chromosome too
_BROAD = 60.0  # pixels from the border to the middle of an object that is broader than any chromosome: thinning it to
# its axis takes as many passes over the picture


def estimate_polarity(grey: npt.NDArray[Any]) -> Polarity:
    """Whether chromosomes are darker or lighter than the ground.

    Chromosomes take the smaller part of a picture and differ more from the ground than the ground from itself, so the
    longer tail of grey values about the ground is theirs. The ground is the median of the rim and of the whole, in
    equal parts: a chromosome may fill a cut-out, a nucleus may lie on the rim, seldom both.

    Args:
        grey: real (H, W), any depth.
    """
    smooth = ndimage.uniform_filter(reduced(grey)[0].astype(np.float32), 3)
    rim = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]])
    ground = (float(np.median(rim)) + float(np.median(smooth))) / 2
    low, high = np.percentile(smooth, [1, 99])
    return "light-on-dark" if high - ground > ground - low else "dark-on-light"


class Looks(NamedTuple):
    """What the objects of a picture look like.

    Attributes:
        width: Median width of the chromosomes in pixels, or 0.0 where nothing looks like one.
        number: How many objects are as large as a small chromosome; those that touch count as one.
    """

    width: float
    number: int


def estimate_width(absorbance: F32) -> float:
    """The width of `looks_of`."""
    return looks_of(absorbance).width


def looks_of(absorbance: F32) -> Looks:
    """Measure the chromosomes: their width is twice the distance from their axis to their border.

    Every pixel of an axis counts once, so neither specks nor the few broad objects (nuclei) move the median.

    Args:
        absorbance: float32 (H, W), 0 = background.
    """
    if absorbance.max() <= 0:
        return Looks(0.0, 0)
    small, step = reduced(absorbance)
    objects, areas = _objects(small)
    depth = ndimage.distance_transform_edt(objects)
    axis = skeletonize(_not_broad(objects, depth))
    if not axis.any():
        return Looks(0.0, 0)
    widths = 2 * depth[axis] - 1
    width = float(np.median(widths[widths <= 2 * np.median(widths)]))
    return Looks(step * width, int((areas >= width**2).sum()))


def _objects(absorbance: F32) -> tuple[Bool, _Counts]:
    """What stands out from the ground, specks left aside, and the area of each object."""
    smooth = ndimage.uniform_filter(absorbance, 3)
    foreground = ndimage.binary_fill_holes(smooth > threshold_otsu(smooth) * _BELOW_OTSU)
    labels, count = ndimage.label(foreground, structure=np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    counts = areas >= max(_MIN_OBJECT_AREA, areas.max() * _MIN_OBJECT_SHARE)
    return np.asarray(counts[labels]), areas[counts]


def _not_broad(objects: Bool, depth: _Depth) -> Bool:
    """Without objects broader than any chromosome; where there are no others, only their rims, `_BROAD` deep."""
    if depth.max() <= _BROAD:
        return objects
    labels, count = ndimage.label(objects, structure=np.ones((3, 3)))
    broad = np.append(False, ndimage.maximum(depth, labels, np.arange(1, count + 1)) > _BROAD)
    narrow = objects & ~broad[labels]
    return np.asarray(narrow if narrow.any() else objects & (depth <= _BROAD))
