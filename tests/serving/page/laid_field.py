"""A drawn field in the look of G-banding, a result of it with faults, and the axis that a hand would draw of a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import ndimage
from skimage.graph import MCP_Geometric

from chromseg.annotations.maps import label_regions
from chromseg.arrays import F32, F64, U8, Bool
from chromseg.boxes import box_of
from chromseg.inference.found import Found
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.prepared import Remainder
from chromseg.synthesis.metaphase import synthesize_metaphase

CROSSED = 40  # px from which two cross


@dataclass(frozen=True)
class LaidField:
    """What lies there and what a network made of it.

    Attributes:
        image: uint8 (H, W), dark on light.
        truth: bool (N, H, W).
        found: bool (M, H, W), with faults.
        tangles: The numbers of true chromosomes that one fault has to do with each, first in `truth`.
    """

    image: U8
    truth: Bool
    found: Bool
    tangles: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class FaultyPredictor(MapPredictor):
    """Answers what it was given, whatever it is shown."""

    masks: Bool | None = None

    def begin(self, images: Sequence[F32], at_once: float = math.inf) -> list[Remainder]:
        assert self.masks is not None
        return [_Given(self.masks) for _ in images]


@dataclass(frozen=True)
class _Given:
    masks: Bool

    def __call__(self) -> Found:
        count = len(self.masks)
        return Found(self.masks, (0.9,) * count, ((),) * count, (None,) * count)


def lay_field(seed: int) -> LaidField:
    """Crossing chromosomes joined, or with their arms exchanged; touching ones joined; one cut in two; specks found."""
    image, truth = synthesize_metaphase(np.random.default_rng(seed), crossings=4, touching=2)
    found: dict[int, Bool] = {number: mask.copy() for number, mask in enumerate(truth)}
    tangles: list[tuple[int, ...]] = []
    for a, b in _meeting(truth):
        if {a, b} & {number for tangle in tangles for number in tangle}:
            continue
        exchanged = _exchanged(truth[a], truth[b]) if len(tangles) % 2 else None
        if exchanged is None:
            found[a] |= found.pop(b)
        else:
            found[a], found[b] = exchanged
        tangles.append((a, b))
    largest = max(set(found) - {number for tangle in tangles for number in tangle}, key=lambda one: found[one].sum())
    half = _half(truth[largest])
    found[largest] &= ~half
    tangles.append((largest,))
    specks = [_speck(image.shape, place) for place in ((12, 12), (12, 750))]
    return LaidField(image, truth, np.stack([*found.values(), half, *specks]), tuple(tangles))


def axis_of(mask: Bool, rng: np.random.Generator, points: int = 6) -> list[tuple[float, float]]:
    """Points (x, y) along the middle of a mask bool (H, W), from tip to tip, drawn by a hand that trembles a pixel."""
    depth = ndimage.distance_transform_edt(mask)
    costs = np.where(mask, 1 / np.maximum(depth, 0.5) ** 2, -1)
    middle = tuple(np.argwhere(mask)[len(np.argwhere(mask)) // 2])
    first = _farthest(np.where(mask, 1.0, -1), middle)
    last = _farthest(np.where(mask, 1.0, -1), first)
    way = MCP_Geometric(costs)
    way.find_costs([first])
    path = np.array(way.traceback(last))
    chosen = path[np.linspace(2, len(path) - 3, points).round().astype(int)] + rng.normal(0, 1, (points, 2)) + 0.5
    return [(float(col), float(row)) for row, col in chosen]


def _farthest(costs: F64, start: tuple[int, ...]) -> tuple[int, ...]:
    away, _ = MCP_Geometric(costs).find_costs([start])
    away[~np.isfinite(away)] = -1
    return tuple(int(at) for at in np.unravel_index(away.argmax(), away.shape))


def _meeting(truth: Bool) -> list[tuple[int, int]]:
    """Pairs that cross, then pairs that touch."""
    grown = [np.flatnonzero(ndimage.binary_dilation(mask, iterations=2)) for mask in truth]
    own = [np.flatnonzero(mask) for mask in truth]
    pairs = list(combinations(range(len(truth)), 2))
    shared = {(a, b): np.intersect1d(own[a], own[b], assume_unique=True).size for a, b in pairs}
    near = [pair for pair in pairs if np.intersect1d(grown[pair[0]], own[pair[1]], assume_unique=True).size >= 5]
    return [pair for pair in pairs if shared[pair] >= CROSSED] + [pair for pair in near if not shared[pair]]


def _half(mask: Bool) -> Bool:
    """The lower or the right half of a mask, whichever cut is the shorter."""
    x0, y0, x1, y1 = box_of(mask)
    half = mask.copy()
    half[(slice(0, (y0 + y1) // 2),) if y1 - y0 > x1 - x0 else (slice(None), slice(0, (x0 + x1) // 2))] = False
    return half


def _exchanged(one: Bool, other: Bool) -> tuple[Bool, Bool] | None:
    """Two chromosomes that cross, each with an arm of the other; None where they do not make four arms."""
    shared = ndimage.binary_dilation(one & other, iterations=1)
    arms = []
    for mask in (one, other):
        labels, _ = label_regions(mask & ~shared)
        sizes = np.bincount(labels.ravel())[1:]
        large = [index + 1 for index in np.argsort(-sizes)[:2] if sizes[index] > 60]
        if len(large) < 2:
            return None
        arms.append([labels == label for label in large])
    rest = (one | other) & ~np.any([*arms[0], *arms[1]], axis=0)
    return arms[0][0] | arms[1][0] | rest, arms[0][1] | arms[1][1] | rest


def _speck(shape: tuple[int, ...], place: tuple[int, int]) -> Bool:
    speck = np.zeros(shape, dtype=bool)
    speck[place[0] - 3 : place[0] + 3, place[1] - 3 : place[1] + 3] = True
    return speck
