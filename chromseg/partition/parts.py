"""Cutting a cluster into crossing parts and free parts, with every pixel assigned exactly.

The paper cuts with a watershed and erodes; here the crossing is grown by a little only to find out which arms are
separate, and the pixels under that growth go back to the nearest arm. So a crossing drawn one or two pixels too small,
or arms that meet at a pixel beside it, do not weld four arms into one.
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
_LEAST_GROWTH = 2  # pixels by which a crossing grows while arms are told apart
_MOST_GROWTH = 5
_ARM_AREA = 12
_SURE_AREA = 0.15
_STUB_AREA = 3  # a smaller left-over beside a crossing is border noise


@dataclass(frozen=True)
class Parts:
    """One cluster cut up.

    Attributes:
        free: int32 (H, W), parts of one chromosome from 1; 0 elsewhere.
        n_free: How many free parts there are.
        crossing: int32 (H, W), crossing parts from 1; 0 elsewhere.
        n_crossing: How many crossing parts there are.
        welds: int (n_free + 1,), by label: free parts of one number are joined around a crossing.
    """

    free: IntArray
    n_free: int
    crossing: IntArray
    n_crossing: int
    welds: IntArray


def cut_parts(chromosome: BoolArray, crossing: BoolArray, width: float, cut: BoolArray | None = None) -> Parts:
    """Cut one cluster, bool (H, W) ×2, into parts; `cut` marks pixels that separate besides the crossings."""
    crossings, n_crossing = ndimage.label(crossing, structure=EIGHT_CONNECTED)
    free = chromosome & ~crossing
    if not n_crossing and cut is None:
        count = int(free.any())
        return Parts(free.astype(np.int32), count, crossings, 0, np.arange(count + 1, dtype=np.int32))
    areas = np.bincount(crossings.ravel()) / width**2
    areas[0] = 0
    sure = (areas >= _SURE_AREA)[crossings]
    labels, welds = _arms(free if cut is None else free & ~cut, crossing, sure)
    labels = spread(labels, free, steps=2 * _MOST_GROWTH)
    count = _add_stubs(labels, len(welds) - 1, free)
    welds = np.concatenate([welds, np.arange(count + 1 - len(welds)) + count + 1])
    crossings = spread(crossings, crossing | (free & (labels == 0)), steps=_STUB_AREA)
    return Parts(labels, count, crossings, n_crossing, welds)


def _arms(free: BoolArray, crossing: BoolArray, sure: BoolArray) -> tuple[IntArray, IntArray]:
    """Label the cores of the arms around grown crossings.

    Where more growth would part one core into several, arms are welded around a crossing drawn too small: the least
    growth that gives most of them is taken, core by core. Also returned: the core that each came from, by label.
    """
    speck = grow_over_edges(crossing)
    barrier = grow(sure, _LEAST_GROWTH)
    labels, count = ndimage.label(free & ~barrier & ~speck, structure=FOUR_CONNECTED)
    most = np.ones(count + 1, dtype=np.intp)
    cores = labels.copy()
    for growth in range(_LEAST_GROWTH, _MOST_GROWTH):
        barrier = grow_over_edges(barrier) if growth % 2 == 0 else grow_over_corners(barrier)
        smaller, n_smaller = ndimage.label(free & ~barrier & ~speck, structure=FOUR_CONNECTED)
        areas = np.bincount(smaller.ravel(), minlength=n_smaller + 1)
        areas[0] = 0
        origin = np.zeros(n_smaller + 1, dtype=np.intp)
        origin[smaller] = labels
        n_arms = np.bincount(origin[areas >= _ARM_AREA], minlength=count + 1)
        better = n_arms > most
        if better.any():
            most[better] = n_arms[better]
            cores = np.where(better[labels], np.where(areas[smaller] >= _ARM_AREA, smaller + cores.max(), 0), cores)
    numbers, firsts, renumbered = np.unique(cores, return_index=True, return_inverse=True)
    return renumbered.reshape(free.shape).astype(np.int32), labels.ravel()[firsts]


def grow(region: BoolArray, steps: int) -> BoolArray:
    """Dilate bool (H, W) by `steps` pixels, diamond and square in turn, which comes close to a disk."""
    for step in range(steps):
        region = grow_over_edges(region) if step % 2 == 0 else grow_over_corners(region)
    return region


def grow_over_edges(region: BoolArray) -> BoolArray:
    """Dilate bool (H, W) by its four neighbours."""
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown


def grow_over_corners(region: BoolArray) -> BoolArray:
    """Dilate bool (H, W) by its eight neighbours."""
    rows = region.copy()
    rows[1:] |= region[:-1]
    rows[:-1] |= region[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def spread(labels: IntArray, inside: BoolArray, steps: int) -> IntArray:
    """Let int32 (H, W) labels flow over unlabelled pixels of `inside`, one 4-neighbour a step."""
    labels = labels.copy()
    for _ in range(steps):
        empty = inside & (labels == 0)
        if not empty.any():
            break
        offered = np.zeros_like(labels)
        offered[1:] = labels[:-1]
        for target, source in (
            (np.s_[:-1], np.s_[1:]),
            (np.s_[:, 1:], np.s_[:, :-1]),
            (np.s_[:, :-1], np.s_[:, 1:]),
        ):
            np.maximum(offered[target], labels[source], out=offered[target])
        labels[empty] = offered[empty]
    return labels


def _add_stubs(labels: IntArray, count: int, free: BoolArray) -> int:
    """Number what no arm reached: tips that hardly look out of a crossing; crumbs stay unnumbered."""
    left_over = free & (labels == 0)
    if not left_over.any():
        return count
    stubs, n_stubs = ndimage.label(left_over, structure=FOUR_CONNECTED)
    areas = np.bincount(stubs.ravel(), minlength=n_stubs + 1)
    for stub in np.flatnonzero(areas[1:] >= _STUB_AREA) + 1:
        count += 1
        labels[stubs == stub] = count
    return count
