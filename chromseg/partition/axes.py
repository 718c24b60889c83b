"""A tangle partitioned along axes that a person drew: who sees which chromosome goes where need not outline it.

An axis is drawn by hand, so it is first moved to the middle of what it runs through. A chromosome then is a strip
around its axis: pixels on two strips that really cross belong to both, all others to the nearest. What no axis explains
is a chromosome too: parts of it that face each other across a strip are one, which runs on below it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from chromseg.annotations.maps import label_regions
from chromseg.arrays import F64, I32, Bool
from chromseg.boxes import window_of
from chromseg.errors import MaskError
from chromseg.partition.cluster import chromosome_width
from chromseg.partition.midline import Axis, Midline, midline_of
from chromseg.partition.pairing import joint
from chromseg.partition.parts import Parts, spread
from chromseg.partition.ports import Port, find_crossings
from chromseg.partition.reconstruct import group_parts

MOST_AXES = 12
_MOST_PIXELS = 500_000  # of a tangle: ten times what a whole metaphase covers
_BESIDE = 1.4  # half widths from its axis up to which a pixel may be the chromosome's own uneven border
_INTO = 0.7  # half widths: an axis that comes nearer to another goes over it, rather than along it or up to it
_OWN_AREA = 1.0  # squared chromosome widths from which what is left over is a chromosome rather than a tip
_REACH = 1.6  # chromosome widths that an arm is followed to see where it goes
_FACING = 1.6  # radians of bend and swerve together up to which two parts go on in one another
_ACROSS = 3.0  # chromosome widths between them at most


def partition_along(region: Bool, axes: Sequence[Axis]) -> Bool:
    """Split a tangle along drawn axes.

    Args:
        region: bool (H, W), all pixels of the tangle.
        axes: One or more, each float64 (P, 2), P ≥ 2 points (row, col) from tip to tip of one chromosome, in pixels.

    Returns:
        bool (N, H, W), N ≥ the number of axes: a mask for each axis, in their order, then what no axis explains. Every
        pixel of the tangle lies in one mask at least, in several where chromosomes cross.

    Raises:
        MaskError: The tangle is empty or too large, there are no axes or too many, or one does not run through it.
    """
    _check(region, axes)
    window = window_of(region)
    inside = region[window]
    width = _width(inside, axes)
    corner = np.array([side.start for side in window])
    lines = [midline_of(np.asarray(axis, dtype=np.float64) - corner, inside, width) for axis in axes]
    away = _distances(inside, lines)
    rest = _left_over(inside, away, width)
    nearest = np.where(inside & (rest == 0), away.argmin(axis=0), -1)
    owned = nearest == np.arange(len(lines))[:, None, None]
    _share(owned, away, lines)
    found = [*owned, *_running_below(rest, _strips(inside & (rest == 0), away), width)]
    masks = np.zeros((len(found), *region.shape), dtype=bool)
    masks[:, *window] = found
    for number in np.flatnonzero(~masks[: len(lines)].any(axis=(1, 2))):
        raise _refused(f"axis {number + 1} of {len(lines)}, to which the others leave no pixel")
    return masks


def _width(inside: Bool, axes: Sequence[Axis]) -> float:
    """Width of a chromosome in pixels; of several that lie side by side the border alone would tell the sum."""
    length = sum(float(np.hypot(*np.diff(axis, axis=0).T).sum()) for axis in axes)
    return max(1.0, min(chromosome_width(inside), float(inside.sum()) / length))


def _distances(inside: Bool, lines: list[Midline]) -> F64:
    """How far each pixel lies from each axis, in half widths of its chromosome: float64 (axes, h, w), far outside."""
    pixels = np.argwhere(inside)
    away = np.full((len(lines), *inside.shape), np.inf)
    for own, line in zip(away, lines, strict=True):
        own[inside] = cKDTree(line.points).query(pixels)[0] / line.half
    return away


def _share(owned: Bool, away: F64, lines: list[Midline]) -> None:
    """Give both chromosomes the pixels where their strips cross, in masks bool (axes, h, w), in place."""
    for first in range(len(lines)):
        for second in range(first):
            both, _ = label_regions((away[first] <= 1) & (away[second] <= 1))
            over = [_labels_under(lines[a], both, away[b] < _INTO) for a, b in ((first, second), (second, first))]
            crossed = np.isin(both, np.setdiff1d(np.concatenate(over), 0))
            owned[first] |= crossed
            owned[second] |= crossed


def _labels_under(line: Midline, labels: I32, where: Bool) -> I32:
    """The labels of those pixels under a line for which `where` holds."""
    rows, cols = np.rint(line.points).astype(int).clip(0, np.array(labels.shape) - 1).T
    return np.asarray(labels[rows, cols][where[rows, cols]])


def _left_over(inside: Bool, away: F64, width: float) -> I32:
    """What is too far from all axes and large enough to be of other chromosomes: int32 (h, w), its parts from 1."""
    nearest = away.min(axis=0)
    labels, count = label_regions(inside & (nearest > _BESIDE))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    pairs = [(a.part, b.part) for a, b in _facing(labels, _strips(inside & (labels == 0), away), width)]
    large = [group for group in group_parts(count, pairs) if areas[group].sum() >= _OWN_AREA * width**2]
    kept = np.isin(labels, [part for group in large for part in group])
    steps = math.ceil((_BESIDE - 1) * width / 2)  # back to the edge of the strip
    return spread(np.where(kept, labels, 0).astype(np.int32), inside & (nearest > 1), steps)


def _running_below(rest: I32, strips: I32, width: float) -> list[Bool]:
    """The chromosomes that the parts int32 (h, w) of the rest make, with what of them lies on the strips."""
    pairs = _facing(rest, strips, width)
    groups = group_parts(int(rest.max(initial=0)), [(a.part, b.part) for a, b in pairs])
    masks = [np.isin(rest, group) for group in groups]
    for mask, group in zip(masks, groups, strict=True):
        for a, b in pairs:
            if a.part in group:
                mask |= (strips > 0) & _bridge(a, b, rest.shape, width)
    return [mask for mask in masks if mask.any()]


def _strips(covered: Bool, away: F64) -> I32:
    """Which axis is the nearest, from 1, of the pixels bool (h, w) that lie on a strip: int32 (h, w), 0 elsewhere."""
    return np.where(covered, away.argmin(axis=0) + 1, 0).astype(np.int32)


def _facing(parts: I32, strips: I32, width: float) -> list[tuple[Port, Port]]:
    """Parts int32 (h, w) that go on in one another across a strip, at each strip the straightest first."""
    count = int(parts.max(initial=0))
    cut = Parts(parts, count, strips, int(strips.max(initial=0)), np.arange(count + 1))
    pairs: list[tuple[Port, Port]] = []
    for crossing in find_crossings(cut, round(_REACH * width), width):
        near = [
            (a, b)
            for a, b in combinations(crossing.ports, 2)
            if math.hypot(a.row - b.row, a.col - b.col) <= _ACROSS * width and sum(joint(a, b)) <= _FACING
        ]
        taken: set[int] = set()
        for a, b in sorted(near, key=lambda pair: sum(joint(*pair))):
            if not taken & {a.part, b.part}:
                taken |= {a.part, b.part}
                pairs.append((a, b))
    return pairs


def _bridge(a: Port, b: Port, shape: tuple[int, ...], width: float) -> Bool:
    """The strip from one port to the other, bool (h, w)."""
    steps = np.linspace(0, 1, 2 * math.ceil(math.hypot(a.row - b.row, a.col - b.col)) + 2)[:, None]
    points = np.rint((1 - steps) * (a.row, a.col) + steps * (b.row, b.col)).astype(int)
    line = np.ones(shape, dtype=bool)
    line[tuple(points.T)] = False
    return np.asarray(ndimage.distance_transform_edt(line) <= width / 2)


def _check(region: Bool, axes: Sequence[Axis]) -> None:
    area = int(np.count_nonzero(region))
    if region.dtype != bool or region.ndim != 2 or not area:
        raise _refused(f"a tangle of {region.dtype} {region.shape} with {area} pixels")
    if area > _MOST_PIXELS:
        raise _refused(f"a tangle of {area} pixels", expected=f"at most {_MOST_PIXELS}: no metaphase covers more")
    if not 1 <= len(axes) <= MOST_AXES:
        raise _refused(f"{len(axes)} axes", expected=f"1 to {MOST_AXES}")
    for number, axis in enumerate(axes, start=1):
        points = np.asarray(axis, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
            raise _refused(f"axis {number} of shape {points.shape}", expected="two points (row, col) or more")
        if not 0 < np.hypot(*np.diff(points, axis=0).T).sum() <= 4 * (area + sum(region.shape)):
            raise _refused(f"axis {number}, which has no length or is longer than any chromosome")


def _refused(got: str, expected: str = "axes drawn through a tangle, each along one chromosome") -> MaskError:
    return MaskError(got, expected=expected, remedy="draw each axis from tip to tip of one chromosome")
