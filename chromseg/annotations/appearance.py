"""What a picture looks like before any network sees it: its polarity, and how wide its chromosomes are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize

from chromseg.annotations.absorbance import FloatArray, Polarity

_MIN_OBJECT_AREA = 30
_MIN_OBJECT_SHARE = 0.02  # of the largest object
_BELOW_OTSU = 0.8  # pale bands belong to the chromosome too


def estimate_polarity(grey: npt.NDArray[Any]) -> Polarity:
    """Whether chromosomes are darker or lighter than the ground.

    Chromosomes take the smaller part of a picture and differ more from the ground than the ground from itself, so the
    longer tail of grey values about the ground is theirs. The ground is the median of the rim and of the whole, in
    equal parts: a chromosome may fill a cut-out, a nucleus may lie on the rim, seldom both.

    Args:
        grey: real (H, W), any depth.
    """
    smooth = ndimage.uniform_filter(grey.astype(np.float32), 3)
    rim = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]])
    ground = (float(np.median(rim)) + float(np.median(smooth))) / 2
    low, high = np.percentile(smooth, [1, 99])
    return "light-on-dark" if high - ground > ground - low else "dark-on-light"


def estimate_width(absorbance: FloatArray) -> float:
    """Median width of the chromosomes in pixels: twice the distance from their axis to their border.

    Every pixel of an axis counts once, so neither specks nor the few broad objects (nuclei) move the median.

    Args:
        absorbance: float32 (H, W), 0 = background.

    Returns:
        Width in pixels, or 0.0 where nothing looks like a chromosome.
    """
    if absorbance.max() <= 0:
        return 0.0
    smooth = ndimage.uniform_filter(absorbance, 3)
    foreground = ndimage.binary_fill_holes(smooth > threshold_otsu(smooth) * _BELOW_OTSU)
    labels, count = ndimage.label(foreground, structure=np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    objects = (areas >= max(_MIN_OBJECT_AREA, areas.max() * _MIN_OBJECT_SHARE))[labels]
    axis = skeletonize(objects)
    if not axis.any():
        return 0.0
    widths = 2 * ndimage.distance_transform_edt(objects)[axis] - 1
    return float(np.median(widths[widths <= 2 * np.median(widths)]))
