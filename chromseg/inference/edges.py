"""How far chromosomes reach: as far as the picture's own edges, not as far as a network happens to be sure.

A network knows what is a chromosome; from which probability it is to be believed depends on how it was trained and on
how pale the picture is. The picture itself says where absorbance rises from the ground to the chromosome.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from chromseg.annotations.absorbance import FloatArray
from chromseg.annotations.maps import label_regions

_REACH = 5.0  # pixels around a region in which its edge and its ground are looked for
_RIM = 3.0  # of these, the first ones may belong to the edge; the ground lies beyond
_CORE = 2.0  # pixels inside a region that may belong to the edge
_CONTRAST = 0.06  # absorbance; below, there is no edge to speak of
_FEWEST = 5  # regions that a picture is judged by
_BOUNDS = (0.3, 0.9)  # an edge may correct the network, not overrule it


def edge_threshold(probability: FloatArray, image: FloatArray, start: float, level: float) -> float:
    """The probability from which the chromosome map has the area that the picture's edges enclose.

    Of each region, the area where absorbance is `level` of the way from the ground around it to its inside is compared
    with its own; the median over the regions is what the map is to grow or shrink by.

    Args:
        probability: float32 (H, W) of being chromosome.
        image: float32 (H, W) absorbance.
        start: Probability that gives the regions looked at, and the answer where too few of them have an edge.
        level: Within 0–1.

    Returns:
        A probability between 0.3 and 0.9.
    """
    region = probability >= start
    labels, count = label_regions(region)
    if count < _FEWEST:
        return start
    inside = ndimage.distance_transform_edt(region)
    outside, nearest = ndimage.distance_transform_edt(~region, return_indices=True)
    owner = np.where(outside <= _REACH, labels[tuple(nearest)], 0)
    index = np.arange(count + 1)
    ground = _medians(image, np.where(outside > _RIM, owner, 0), index)
    body = _medians(image, np.where(inside > _CORE, labels, 0), index)
    contrast = body - ground
    enclosed = (image > (ground + level * contrast)[owner]) | (inside > _CORE)
    area = np.bincount(owner[enclosed], minlength=count + 1)
    clear = contrast >= _CONTRAST  # never where there is no ground or inside
    clear[0] = False
    if clear.sum() < _FEWEST:
        return start
    growth = np.median(area[clear] / np.bincount(labels.ravel(), minlength=count + 1)[clear])
    values = probability[outside <= _REACH]
    wanted = min(max(round(region.sum() * growth), 1), values.size)
    return float(np.clip(np.partition(values, -wanted)[-wanted], *_BOUNDS))


def _medians(image: FloatArray, labels: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Median absorbance of each label; NaN where there is none."""
    return np.asarray(ndimage.median(image, labels, index), dtype=np.float64)
