"""Clusters of chromosomes, and the 256×256 cut-out of a crossing cluster that is ChromSeg's unit.

By these rules the 124 images of the `bioimlab` set give 148 crossing clusters that fit 256×256, 20 of them touching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.morphology import disk

from chromseg.annotations.maps import chromosome_map, crossing_map, label_regions
from chromseg.arrays import F32, Bool

CUTOUT_SIZE = 256
MIN_CROSSING_AREA = 40
_TOUCHING_GROWTH = 2
_TOUCHING_AREA = 10
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Cluster:
    """One 8-connected component of the chromosome map.

    Attributes:
        indices: Which instances of the image lie in it, ascending.
        region: bool (H, W) of the whole image, True on the component.
        bbox: Its (row0, col0, row1, col1), ends excluded.
        has_crossing: Whether ≥ 2 instances share an 8-connected crossing region of ≥ 40 px.
    """

    indices: tuple[int, ...]
    region: Bool
    bbox: tuple[int, int, int, int]
    has_crossing: bool

    @property
    def size(self) -> int:
        """The longer side of the bounding box, in pixels."""
        row0, col0, row1, col1 = self.bbox
        return max(row1 - row0, col1 - col0)


def find_clusters(masks: Bool) -> list[Cluster]:
    """All clusters of an image, singles included, from bool (N, H, W), in row-major order of first pixel."""
    labels, count = label_regions(chromosome_map(masks))
    members: list[list[int]] = [[] for _ in range(count + 1)]
    for index, mask in enumerate(masks):
        for label in np.unique(labels[mask]):
            members[label].append(index)
    large_crossings = regions_of_at_least(crossing_map(masks), MIN_CROSSING_AREA)
    clusters = []
    for label, (rows, cols) in enumerate(ndimage.find_objects(labels), start=1):
        region = np.zeros(labels.shape, dtype=bool)
        region[rows, cols] = labels[rows, cols] == label
        crosses = len(members[label]) >= 2 and bool((large_crossings[rows, cols] & region[rows, cols]).any())
        bbox = (rows.start, cols.start, rows.stop, cols.stop)
        clusters.append(Cluster(tuple(members[label]), region, bbox, crosses))
    return clusters


def crossing_clusters(masks: Bool, size: int = CUTOUT_SIZE) -> list[Cluster]:
    """The crossing clusters of bool (N, H, W) whose bounding box fits `size` × `size`."""
    return [cluster for cluster in find_clusters(masks) if cluster.has_crossing and cluster.size <= size]


def is_touching(masks: Bool) -> bool:
    """Whether arms of different chromosomes of one cluster touch where no crossing separates them.

    True if, after growing the crossing regions of ≥ 40 px by 2 px, a 4-connected free part holds ≥ 10 px of two
    instances.

    Args:
        masks: bool (N, H, W), the instances of one cluster.
    """
    crossings = regions_of_at_least(crossing_map(masks), MIN_CROSSING_AREA)
    grown = ndimage.binary_dilation(crossings, structure=disk(_TOUCHING_GROWTH))
    parts, count = ndimage.label(chromosome_map(masks) & ~grown)
    held = np.stack([np.bincount(parts[mask], minlength=count + 1) for mask in masks])  # N, parts
    return bool(((held[:, 1:] >= _TOUCHING_AREA).sum(axis=0) >= 2).any())


def cut_out(image: F32, masks: Bool, cluster: Cluster, size: int = CUTOUT_SIZE) -> tuple[F32, Bool]:
    """Centre one cluster in a square, everything else replaced by background in image and truth.

    Args:
        image: float32 (H, W) absorbance, 0 = background.
        masks: bool (N, H, W), all instances of the image.
        cluster: One of `find_clusters(masks)`.
        size: Side of the square in pixels; parts beyond it are lost.

    Returns:
        image float32 (size, size) and masks bool (M, size, size) of the cluster's own M instances.
    """
    own = masks[list(cluster.indices)] & cluster.region
    row0, col0, row1, col1 = cluster.bbox
    top, left = (row0 + row1 - size) // 2, (col0 + col1 - size) // 2
    alone = np.where(cluster.region, image, np.float32(0))
    return _window(alone, top, left, size), _window(own, top, left, size)


def _window(array: npt.NDArray[T], top: int, left: int, size: int) -> npt.NDArray[T]:
    """The square (…, size, size) whose corner is at (top, left), zero outside the array."""
    height, width = array.shape[-2:]
    window = np.zeros((*array.shape[:-2], size, size), dtype=array.dtype)
    rows = slice(max(top, 0), min(top + size, height))
    cols = slice(max(left, 0), min(left + size, width))
    window[..., rows.start - top : rows.stop - top, cols.start - left : cols.stop - left] = array[..., rows, cols]
    return window


def regions_of_at_least(region_map: Bool, area: int) -> Bool:
    """Keep the 8-connected regions of bool (H, W) that hold at least `area` pixels."""
    labels, count = label_regions(region_map)
    keep = np.bincount(labels.ravel(), minlength=count + 1) >= area
    keep[0] = False
    return np.asarray(keep[labels])
