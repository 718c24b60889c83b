"""The axis of a chromosome: the middle of its mask, from tip to tip, however it bends.

Ways through the mask tell along from across: its two ends are the pixels farthest apart by such ways, and where both
ends are equally much farther or nearer, one cross-section lies. The middles of the cross-sections are the axis.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.csgraph import dijkstra

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import F64, Bool, Intp
from chromseg.errors import MaskError

Axis: TypeAlias = F64  # (P, 2), points (row, col)

STEP = 0.5  # px between points
_COMPACT = 2.7  # longest way / mean width, 2.7 for a bar 1.7 times as long as wide; a shorter chromosome does not bend,
# and its ends by ways are corners
_TIP = 0.5  # chromosome widths at either end, where cross-sections are round; the axis goes straight on there
_SMOOTH = 0.5  # chromosome widths, standard deviation along the axis
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


def axis_of(mask: Bool) -> Axis:
    """The axis of one chromosome.

    Args:
        mask: bool (H, W); of several pieces the largest counts.

    Returns:
        float64 (P, 2), rows and columns, `STEP` pixels apart, from tip to tip; two points or more.

    Raises:
        MaskError: The mask is empty.
    """
    pixels = _largest_piece(mask)
    if len(pixels) < 2:
        return np.asarray(pixels[[0, 0]] + np.array([[-0.5, 0.0], [0.5, 0.0]]))
    along = _along(pixels)
    length = float(np.ptp(along)) + 1
    width = len(pixels) / length
    straight = length < _COMPACT * width
    return _to_the_tips(_straight(pixels) if straight else _middles(pixels, along, width), mask, width)


def length_of(axis: Axis) -> float:
    """Pixels from one end of an axis float64 (P, 2) to the other."""
    return float(np.hypot(*np.diff(axis, axis=0).T).sum())


def _largest_piece(mask: Bool) -> F64:
    """Its pixels, float64 (P, 2)."""
    labels, count = ndimage.label(mask, structure=EIGHT_CONNECTED)
    if not count:
        raise MaskError("an empty mask", expected="the pixels of one chromosome", remedy="leave it out")
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return np.argwhere(labels == largest).astype(np.float64)


def _along(pixels: F64) -> F64:
    """Of each pixel float64 (P, 2), how much nearer it is to one end than to the other, halved: float64 (P,)."""
    ways = _graph(pixels.astype(np.intp))
    first = int(np.argmax(dijkstra(ways, directed=False, indices=0)))
    from_first = dijkstra(ways, directed=False, indices=first)
    from_last = dijkstra(ways, directed=False, indices=int(np.argmax(from_first)))
    return np.asarray((from_first - from_last) / 2)


def _graph(pixels: Intp) -> sparse.csr_matrix:
    """Each pixel int (P, 2) and its eight neighbours, as far apart as their middles."""
    low = pixels.min(axis=0) - 1
    numbers = np.full(pixels.max(axis=0) - low + 2, -1)
    rows, cols = (pixels - low).T
    numbers[rows, cols] = np.arange(len(pixels))
    pairs = [(numbers[rows + down, cols + right], np.hypot(down, right)) for down, right in _NEIGHBOURS]
    start = np.concatenate([np.flatnonzero(other >= 0) for other, _ in pairs])
    end = np.concatenate([other[other >= 0] for other, _ in pairs])
    far = np.concatenate([np.full(int((other >= 0).sum()), way) for other, way in pairs])
    return sparse.csr_matrix((far, (start, end)), shape=(len(pixels),) * 2)


def _middles(pixels: F64, along: F64, width: float) -> Axis:
    """The middles of cross-sections a pixel apart, smoothed, without the round ends."""
    sections = np.floor(along - along.min()).astype(int)
    counts = np.bincount(sections)
    sums = np.stack([np.bincount(sections, weights=column) for column in pixels.T], axis=1)
    middles = sums[counts > 0] / counts[counts > 0, None]
    cut = min(round(_TIP * width), (len(middles) - 3) // 2)
    inner = middles[cut : len(middles) - cut]
    return np.asarray(ndimage.gaussian_filter1d(inner, min(_SMOOTH * width, len(inner) / 6), axis=0, mode="nearest"))


def _straight(pixels: F64) -> Axis:
    """The principal axis of a compact chromosome, a short piece of it."""
    middle = pixels.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((pixels - middle).T))
    return np.asarray(middle + np.array([[-0.5], [0.5]]) * directions[:, -1])


def _to_the_tips(axis: Axis, mask: Bool, width: float) -> Axis:
    """The axis led straight on at both ends as far as the mask goes, at even steps."""
    reach = max(round(width / 2), 1)
    ends = []
    for end, inner in ((axis[0], axis[min(reach, len(axis) - 1)]), (axis[-1], axis[-1 - min(reach, len(axis) - 1)])):
        way = (end - inner) / max(float(np.hypot(*(end - inner))), 1e-9)
        steps = end + way * np.arange(STEP, 4 * width + max(mask.shape), STEP)[:, None]
        inside = ndimage.map_coordinates(mask.astype(np.float32), steps.T, order=1) > 0.5
        ends.append(steps[: int(np.argmin(inside)) if not inside.all() else len(steps)])
    return _even(np.concatenate([ends[0][::-1], axis, ends[1]]))


def _even(points: F64) -> Axis:
    """The same line with points `STEP` apart."""
    way = np.concatenate([[0.0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    steps = np.linspace(0, way[-1], max(round(way[-1] / STEP), 1) + 1)
    return np.stack([np.interp(steps, way, points[:, side]) for side in (0, 1)], axis=1)
