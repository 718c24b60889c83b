"""Crossings by geometry alone: the computational-geometry baseline of ChromSeg's Table II.

Where two chromosomes cross, the outline of the cluster turns inwards at four cut-points, and these enclose the overlap
(idea: Joshi et al., 2012, reference [8] of the paper). Nothing is learned and the image is not looked at, so an outline
that hides a cut-point (arms crossing at their ends, a third chromosome close by) hides the crossing.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage.draw import polygon2mask
from skimage.measure import find_contours

from chromseg.annotations.maps import label_regions
from chromseg.arrays import F64, Bool, Intp
from chromseg.errors import MaskError

_REACH = 4  # px along the outline over which its turning is measured, a third of a width
_SMOOTHING = 1.5  # px
_MIN_TURN = 0.35  # rad; less is a bend of an arm
_MAX_SIDE = 2.2  # widths between neighbouring cut-points
_INSIDE_SHARE = 0.9  # of the sides of a quadrilateral
_MAX_POINTS = 24  # strongest cut-points kept: all quadrilaterals of them are tried


class _CutPoints(NamedTuple):
    """Inward turns of an outline: places (N, 2) row, col; unit vectors (N, 2) into the cluster; turns (N,) in rad."""

    places: F64
    inwards: F64
    turns: F64


def crossings_by_cut_points(chromosome: Bool) -> Bool:
    """Find the overlaps of a binarised cluster from the concave points of its outline.

    Args:
        chromosome: bool (H, W). True on any chromosome.

    Returns:
        bool (H, W), the quadrilaterals between four cut-points each, cut to the chromosomes; all False where there
        is no such quadrilateral, as for single chromosomes and for an empty map.

    Raises:
        MaskError: Not a bool map.
    """
    if chromosome.ndim != 2 or chromosome.dtype != bool:
        raise MaskError(
            f"{chromosome.dtype} {chromosome.shape}",
            expected="a chromosome map, bool (H, W)",
            remedy="threshold the image first",
        )
    crossings = np.zeros_like(chromosome)
    labels, _ = label_regions(chromosome)
    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        cluster = labels[window] == label
        crossings[window] |= _of_cluster(np.pad(cluster, 1))[1:-1, 1:-1] & cluster
    return crossings


def _of_cluster(cluster: Bool) -> Bool:
    """The crossings of one 8-connected component, bool (H, W)."""
    crossings = np.zeros_like(cluster)
    width = _chromosome_width(cluster)
    points = _cut_points(cluster)
    for corners in _quadrilaterals(points, cluster, width):
        crossings |= polygon2mask(cluster.shape, points.places[corners])
    return crossings


def _chromosome_width(cluster: Bool) -> float:
    """Twice the median depth of the ridge of the cluster."""
    depth = ndimage.distance_transform_edt(cluster)
    ridge = cluster & (depth == ndimage.maximum_filter(depth, size=3))
    return 2 * float(np.median(depth[ridge]))


def _cut_points(cluster: Bool) -> _CutPoints:
    """The strongest inward turns of all outlines of a cluster, those of its holes included."""
    found = [_turns_of(outline[:-1]) for outline in find_contours(cluster.astype(np.float64), 0.5)]
    joined = _CutPoints(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    strongest = np.argsort(-joined.turns, kind="stable")[:_MAX_POINTS]
    return _CutPoints(*(part[strongest] for part in joined))


def _turns_of(outline: F64) -> _CutPoints:
    """Local maxima of the inward turn along one closed outline (N, 2), the cluster on its left."""
    path = _evenly_spaced(outline)
    path = ndimage.gaussian_filter1d(path, _SMOOTHING, axis=0, mode="wrap")
    reach = max(1, min(_REACH, len(path) // 6))
    behind, ahead = path - np.roll(path, reach, axis=0), np.roll(path, -reach, axis=0) - path
    turns = np.arctan2(_cross(behind, ahead), (behind * ahead).sum(axis=1))
    peaks = (turns >= _MIN_TURN) & (turns == ndimage.maximum_filter1d(turns, 2 * reach + 1, mode="wrap"))
    inwards = (behind - ahead)[peaks]
    return _CutPoints(path[peaks], inwards / np.linalg.norm(inwards, axis=1, keepdims=True), turns[peaks])


def _evenly_spaced(outline: F64) -> F64:
    """The closed outline sampled anew at steps of about 1 px."""
    closed = np.concatenate([outline, outline[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    steps = np.linspace(0, along[-1], max(4, round(along[-1])), endpoint=False)
    return np.stack([np.interp(steps, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def _quadrilaterals(points: _CutPoints, cluster: Bool, width: float) -> list[Intp]:
    """Corners (4,) of the best quadrilaterals, in order around, none using a cut-point of a better one."""
    quads = np.array(list(combinations(range(len(points.turns)), 4)), dtype=np.intp).reshape(-1, 4)
    quads = _in_order_around(points.places, quads)
    corners = points.places[quads]  # Q, 4, 2
    sides = np.roll(corners, -1, axis=1) - corners
    lengths = np.linalg.norm(sides, axis=2)
    skew = np.linalg.norm(corners[:, 0] + corners[:, 2] - corners[:, 1] - corners[:, 3], axis=1) / 2
    to_middle = corners.mean(axis=1, keepdims=True) - corners
    facing = (points.inwards[quads] * to_middle).sum(axis=2) / np.linalg.norm(to_middle, axis=2)
    convex = (_cross(sides, np.roll(sides, -1, axis=1)) > 0).all(axis=1)
    fits = convex & (facing > 0).all(axis=1) & (lengths < _MAX_SIDE * width).all(axis=1)
    score = points.turns[quads].sum(axis=1) + facing.sum(axis=1) - (skew + lengths.std(axis=1)) / width
    chosen: list[Intp] = []
    for index in np.flatnonzero(fits)[np.argsort(-score[fits], kind="stable")]:
        if not np.isin(quads[index], chosen).any() and _inside(corners[index], cluster):
            chosen.append(quads[index])
    return chosen


def _in_order_around(places: F64, quads: Intp) -> Intp:
    """Reorder each of (Q, 4) by angle about its middle."""
    offset = places[quads] - places[quads].mean(axis=1, keepdims=True)
    order = np.argsort(np.arctan2(offset[..., 1], offset[..., 0]), axis=1)
    return np.take_along_axis(quads, order, axis=1)


def _inside(corners: F64, cluster: Bool) -> bool:
    """Whether the sides of a quadrilateral (4, 2) run inside the cluster."""
    share = np.linspace(0.1, 0.9, 9)[:, None, None]
    samples = corners + share * (np.roll(corners, -1, axis=0) - corners)
    rows, cols = np.round(samples).astype(int).reshape(-1, 2).T
    return bool(cluster[rows, cols].mean() >= _INSIDE_SHARE)


def _cross(first: F64, second: F64) -> F64:
    """Cross product of vectors (…, 2)."""
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
