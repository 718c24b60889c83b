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
from chromseg.arrays import F32, I32, Bool

SeamMap: TypeAlias = Bool | F32  # as somebody knows them, or as probable as a network finds them

FOUR_CONNECTED = ndimage.generate_binary_structure(2, 1)
_LEAST_GROWTH = 2  # pixels by which a crossing grows at least while arms are parted
_MOST_GROWTH = 0.4  # chromosome widths by which it grows at most, or 5 pixels
_SPECK_AREA = 0.15  # squared chromosome widths; a smaller crossing is a sliver or noise and grows by 1 pixel only
_MOST_ARMS = 4  # of two chromosomes at one crossing
_ARM_AREA = 0.12  # squared chromosome widths; less does not count as an arm that came loose
_LARGE_ARM_AREA = 0.35  # squared chromosome widths from which it is surely an arm
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

    free: I32
    n_free: int
    crossing: I32
    n_crossing: int
    welds: npt.NDArray[np.integer]


def cut_parts(region: Bool, crossing: Bool, width: float) -> Parts:
    """Cut one cluster, bool (h, w), at its crossings, bool (h, w); `width` of a chromosome in pixels."""
    crossings, n_crossing = ndimage.label(crossing, structure=EIGHT_CONNECTED)
    free = region & ~crossing
    if not n_crossing:
        count = int(free.any())
        return Parts(free.astype(np.int32), count, crossings, 0, np.arange(count + 1))
    sure = np.bincount(crossings.ravel(), minlength=n_crossing + 1) >= _SPECK_AREA * width**2
    cores, welds = _find_cores(free, crossing, crossing & sure[crossings], int(sure[1:].sum()), width)
    labels = spread(cores, free, steps=2 * _most_growth(width))
    count = _add_stubs(labels, len(welds) - 1, free)
    if (crumbs := free & (labels == 0)).any():
        crossings = spread(crossings, crossing | crumbs, steps=_CRUMB_AREA)
    welds = np.concatenate([welds, np.arange(count + 1 - len(welds)) + count + 1])
    return Parts(labels, count, crossings, n_crossing, welds)


def _find_cores(
    free: Bool, crossing: Bool, sure: Bool, n_sure: int, width: float
) -> tuple[I32, npt.NDArray[np.integer]]:
    """Label the cores of the arms around grown crossings; also the core at least growth that each came from.

    Where more growth would part one core into several arms, they are welded around a crossing drawn too small: the
    least growth that gives most of them is taken, core by core.
    """
    loose = free & ~grow_over_edges(crossing)
    barriers = [grow(sure, _LEAST_GROWTH)]
    first, count = ndimage.label(loose & ~barriers[0], structure=FOUR_CONNECTED)
    n_large = (np.bincount(first.ravel())[1:] >= _LARGE_ARM_AREA * width**2).sum()
    if n_sure == 1 and n_large >= _MOST_ARMS:
        return first, np.arange(count + 1)
    for growth in range(_LEAST_GROWTH, _most_growth(width)):
        barriers.append(grow_over_edges(barriers[-1]) if growth % 2 == 0 else grow_over_corners(barriers[-1]))
    most = np.ones(count + 1, dtype=np.intp)
    cores, n_cores = first, count
    if not (_count_arms(loose & ~barriers[-1], first, count, width)[2] > most).any():
        return first, np.arange(count + 1)
    for barrier in barriers[1:]:
        smaller, arms, n_arms = _count_arms(loose & ~barrier, first, count, width)
        parted = n_arms > most
        most = np.maximum(most, n_arms)
        cores = np.where(parted[first], np.where(arms[smaller], smaller + n_cores, 0), cores)
        n_cores += len(arms) - 1
    welds = np.zeros(n_cores + 1, dtype=np.intp)
    welds[cores] = first
    return compact(cores, n_cores, welds)


def _count_arms(loose: Bool, first: I32, count: int, width: float) -> tuple[I32, Bool, npt.NDArray[np.integer]]:
    """Label what more growth leaves loose, tell which labels are arms, and how many arms each first core came to."""
    labels, n_labels = ndimage.label(loose, structure=FOUR_CONNECTED)
    arms = np.bincount(labels.ravel(), minlength=n_labels + 1) >= _ARM_AREA * width**2
    arms[0] = False
    origin = np.zeros(n_labels + 1, dtype=np.intp)
    origin[labels] = first
    return labels, arms, np.bincount(origin[arms], minlength=count + 1)


def _most_growth(width: float) -> int:
    return max(5, round(_MOST_GROWTH * width))


def compact(labels: I32, count: int, values: npt.NDArray[np.integer]) -> tuple[I32, npt.NDArray[np.integer]]:
    """Renumber labels 0 … count so that none is missing; `values` by label goes along."""
    used = np.bincount(labels.ravel(), minlength=count + 1) > 0
    used[0] = True
    numbers = np.cumsum(used, dtype=np.int32) - 1
    return numbers[labels], values[used]


def grow(region: Bool, steps: int) -> Bool:
    """Dilate bool (h, w) by `steps` pixels, diamond and square in turn, which comes close to a disk."""
    for step in range(steps):
        region = grow_over_edges(region) if step % 2 == 0 else grow_over_corners(region)
    return region


def grow_over_edges(region: Bool) -> Bool:
    """Dilate bool (h, w) by its four neighbours."""
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown


def grow_over_corners(region: Bool) -> Bool:
    """Dilate bool (h, w) by its eight neighbours."""
    rows = region.copy()
    rows[1:] |= region[:-1]
    rows[:-1] |= region[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def spread(labels: I32, inside: Bool, steps: int) -> I32:
    """Let int32 (h, w) labels flow over unlabelled pixels of `inside`, one 4-neighbour a step; the higher wins."""
    stride = labels.shape[1] + 2
    padded, unlabelled = (np.zeros((labels.shape[0] + 2, stride), kind) for kind in (np.int32, bool))
    padded[1:-1, 1:-1] = labels
    unlabelled[1:-1, 1:-1] = inside & (labels == 0)
    flat, empty = padded.ravel(), np.flatnonzero(unlabelled)
    for _ in range(steps):
        above, below = flat[empty - stride], flat[empty + stride]
        beside = np.maximum(flat[empty - 1], flat[empty + 1])
        offered = np.maximum(np.maximum(above, below), beside)
        reached = offered > 0
        if not reached.any():
            break
        flat[empty[reached]] = offered[reached]
        empty = empty[~reached]
    return padded[1:-1, 1:-1].copy()


def _add_stubs(labels: I32, count: int, free: Bool) -> int:
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
