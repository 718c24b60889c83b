"""The published crossing-partition (ChromSeg §II-D, Algorithm 1), kept as the baseline.

Parts by watershed; a dictionary of the free parts within a disk of each crossing part; a ray from each of them
through the crossing's centre; union-find over the parts that rays connect. Written from the paper. Where it is silent:
the disk area is all pixels within `radius` of the crossing part, a ray ends where it leaves the disk area,
and the first free part that it meets is the one it connects to.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import F32, I32, Bool
from chromseg.partition.cluster import Piece
from chromseg.partition.parts import FOUR_CONNECTED, Parts, SeamMap
from chromseg.partition.reconstruct import draw, group_parts
from chromseg.partition.seams import WITH_CONTACT, SeamWeights

_RAY_STEP = 0.5


def partition_cluster_as_published(
    region: Bool,
    crossing: Bool,
    image: F32 | None,
    contact: SeamMap | None,
    radius: int,
    weights: SeamWeights = WITH_CONTACT,
) -> list[Piece]:
    """Split one cluster, arrays (h, w) in its bounding box; neither image, contact nor weights are looked at."""
    parts = watershed_parts(region, crossing)
    if parts.n_free < 1 or not parts.n_crossing:
        return [Piece(region, (), 1.0)]
    disks = [disk_area(parts.crossing == label, radius) for label in range(1, parts.n_crossing + 1)]
    dictionary = [build_entry(parts.free, disk) for disk in disks]
    pairs = [
        (part, hit)
        for label, (disk, adjacent) in enumerate(zip(disks, dictionary, strict=True), start=1)
        for part, hit in classify(parts.free, parts.crossing == label, disk, adjacent)
    ]
    groups = group_parts(parts.n_free, pairs)
    through = [
        [label for label, adjacent in enumerate(dictionary, start=1) if set(group) & set(adjacent)] for group in groups
    ]
    return [Piece(mask, (), 1.0) for mask in draw(parts, groups, through)]


def watershed_parts(region: Bool, crossing: Bool) -> Parts:
    """Divide a cluster into crossing and free parts by a watershed on the distance from the parts' borders."""
    crossings, n_crossing = ndimage.label(crossing, structure=EIGHT_CONNECTED)
    free = region & ~crossing
    depth = ndimage.distance_transform_edt(free)
    cores, n_free = ndimage.label(depth > 1, structure=FOUR_CONNECTED)
    return Parts(
        np.asarray(watershed(-depth, cores, mask=free), dtype=np.int32),
        n_free,
        crossings,
        n_crossing,
        np.arange(n_free + 1, dtype=np.int32),
    )


def disk_area(crossing: Bool, radius: int) -> Bool:
    """The dilation of one crossing part by a disk: bool (h, w)."""
    return np.asarray(ndimage.distance_transform_edt(~crossing) <= radius)


def build_entry(free: I32, disk: Bool) -> list[int]:
    """Function Build Dictionary, one crossing: the free parts in its disk area, ascending."""
    return [int(part) for part in np.unique(free[disk]) if part]


def classify(free: I32, crossing: Bool, disk: Bool, adjacent: list[int]) -> list[tuple[int, int]]:
    """Function Classify, one crossing: each part and the part that its ray through the crossing's centre meets."""
    centre = _centre(crossing)
    pairs = []
    for part in adjacent:
        hit = _emit_ray(free, disk, _centre((free == part) & disk), centre, part)
        if hit is not None:
            pairs.append((part, hit))
    return pairs


def _centre(pixels: Bool) -> tuple[float, float]:
    rows, cols = np.nonzero(pixels)
    return float(rows.mean()), float(cols.mean())


def _emit_ray(free: I32, disk: Bool, start: tuple[float, float], centre: tuple[float, float], part: int) -> int | None:
    """The first other free part beyond the centre, within the disk area."""
    step_row, step_col = centre[0] - start[0], centre[1] - start[1]
    length = math.hypot(step_row, step_col)
    if length == 0:
        return None
    for step in np.arange(0, math.hypot(*disk.shape), _RAY_STEP):
        row, col = round(centre[0] + step * step_row / length), round(centre[1] + step * step_col / length)
        if not (0 <= row < disk.shape[0] and 0 <= col < disk.shape[1] and disk[row, col]):
            return None
        if free[row, col] not in (0, part):
            return int(free[row, col])
    return None
