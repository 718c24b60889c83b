"""Cutting a cluster into crossing parts and free parts, with every pixel assigned exactly.

The paper cuts with a watershed; here the crossing is grown by a little only to find out which arms are separate, and
the pixels under that growth go back to the nearest arm. Arms that meet at a pixel beside the crossing stay apart, and
so do, with more growth, arms that are welded around a crossing that a network drew too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.annotations.rasterize import BoolArray

IntArray: TypeAlias = npt.NDArray[np.int32]
FloatArray: TypeAlias = npt.NDArray[np.float32]

FOUR_CONNECTED = ndimage.generate_binary_structure(2, 1)
_LEAST_GROWTH, _MOST_GROWTH = 2, 5  # pixels by which a crossing grows while arms are told apart
_SPECK_AREA = 0.15  # squared chromosome widths; a smaller crossing is a sliver or noise and grows by 1 pixel only
_ARM_AREA = 0.12  # squared chromosome widths; less does not count as an arm that came loose
_CRUMB_AREA = 3  # pixels; a smaller left-over beside a crossing is border noise and goes with the crossing


@dataclass(frozen=True)
class Parts:
    """One cluster cut up.

    Attributes:
        free: int32 (h, w), free parts from 1; 0 elsewhere.
        n_free: How many free parts there are.
        crossing: int32 (h, w), crossing parts from 1; 0 elsewhere.
        n_crossing: How many crossing parts there are.
        welds: int (n_free + 1,), by free part: parts of one number were joined around a crossing.
    """

    free: IntArray
    n_free: int
    crossing: IntArray
    n_crossing: int
    welds: npt.NDArray[np.integer]


def cut_parts(region: BoolArray, crossing: BoolArray, width: float) -> Parts:
    """Cut one cluster, bool (h, w), at its crossings, bool (h, w); `width` of a chromosome in pixels."""
    crossings, n_crossing = ndimage.label(crossing, structure=EIGHT_CONNECTED)
    free = region & ~crossing
    if not n_crossing:
        count = int(free.any())
        return Parts(free.astype(np.int32), count, crossings, 0, np.arange(count + 1))
    sure = np.bincount(crossings.ravel(), minlength=n_crossing + 1) >= _SPECK_AREA * width**2
    cores, welds = _find_cores(free, crossing, crossing & sure[crossings], _ARM_AREA * width**2)
    labels = spread(cores, free, steps=2 * _MOST_GROWTH)
    count = _add_stubs(labels, len(welds) - 1, free)
    if (crumbs := free & (labels == 0)).any():
        crossings = spread(crossings, crossing | crumbs, steps=_CRUMB_AREA)
    welds = np.concatenate([welds, np.arange(count + 1 - len(welds)) + count + 1])
    return Parts(labels, count, crossings, n_crossing, welds)


def _find_cores(
    free: BoolArray, crossing: BoolArray, sure: BoolArray, arm_area: float
) -> tuple[IntArray, npt.NDArray[np.integer]]:
    """Label the cores of the arms around grown crossings; also the core at least growth that each came from.

    Where more growth would part one core into several arms, they are welded around a crossing drawn too small: the
    least growth that gives most of them is taken, core by core.
    """
    loose = free & ~grow_over_edges(crossing)
    barrier = grow(sure, _LEAST_GROWTH)
    first, count = ndimage.label(loose & ~barrier, structure=FOUR_CONNECTED)
    most = np.ones(count + 1, dtype=np.intp)
    cores, n_cores = first, count
    for growth in range(_LEAST_GROWTH, _MOST_GROWTH):
        barrier = grow_over_edges(barrier) if growth % 2 == 0 else grow_over_corners(barrier)
        smaller, n_smaller = ndimage.label(loose & ~barrier, structure=FOUR_CONNECTED)
        arms = np.bincount(smaller.ravel(), minlength=n_smaller + 1) >= arm_area
        arms[0] = False
        origin = np.zeros(n_smaller + 1, dtype=np.intp)
        origin[smaller] = first
        n_arms = np.bincount(origin[arms], minlength=count + 1)
        parted = n_arms > most
        if parted.any():
            most = np.maximum(most, n_arms)
            cores = np.where(parted[first], np.where(arms[smaller], smaller + n_cores, 0), cores)
            n_cores += n_smaller
    if cores is first:
        return first, np.arange(count + 1)
    welds = np.zeros(n_cores + 1, dtype=np.intp)
    welds[cores] = first
    return compact(cores, n_cores, welds)


def compact(labels: IntArray, count: int, values: npt.NDArray[np.integer]) -> tuple[IntArray, npt.NDArray[np.integer]]:
    """Renumber labels 0 … count so that none is missing; `values` by label goes along."""
    used = np.bincount(labels.ravel(), minlength=count + 1) > 0
    used[0] = True
    numbers = np.cumsum(used, dtype=np.int32) - 1
    return numbers[labels], values[used]


def grow(region: BoolArray, steps: int) -> BoolArray:
    """Dilate bool (h, w) by `steps` pixels, diamond and square in turn, which comes close to a disk."""
    for step in range(steps):
        region = grow_over_edges(region) if step % 2 == 0 else grow_over_corners(region)
    return region


def grow_over_edges(region: BoolArray) -> BoolArray:
    """Dilate bool (h, w) by its four neighbours."""
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown


def grow_over_corners(region: BoolArray) -> BoolArray:
    """Dilate bool (h, w) by its eight neighbours."""
    rows = region.copy()
    rows[1:] |= region[:-1]
    rows[:-1] |= region[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def spread(labels: IntArray, inside: BoolArray, steps: int) -> IntArray:
    """Let int32 (h, w) labels flow over unlabelled pixels of `inside`, one 4-neighbour a step; the higher wins."""
    labels = labels.copy()
    for _ in range(steps):
        rows, cols = np.nonzero(inside & (labels == 0))
        if not rows.size:
            break
        padded = np.pad(labels, 1)
        offered = np.maximum(
            np.maximum(padded[rows, cols + 1], padded[rows + 2, cols + 1]),
            np.maximum(padded[rows + 1, cols], padded[rows + 1, cols + 2]),
        )
        if not offered.any():
            break
        labels[rows, cols] = offered
    return labels


def _add_stubs(labels: IntArray, count: int, free: BoolArray) -> int:
    """Number what no arm reached: tips that hardly look out of a crossing; crumbs stay unnumbered."""
    left_over = free & (labels == 0)
    if not left_over.any():
        return count
    stubs, n_stubs = ndimage.label(left_over, structure=FOUR_CONNECTED)
    kept = np.bincount(stubs.ravel(), minlength=n_stubs + 1) >= _CRUMB_AREA
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept) + count, 0)
    labels[left_over] = numbers[stubs[left_over]]
    return count + int(kept.sum())
