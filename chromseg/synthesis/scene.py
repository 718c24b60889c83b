"""One metaphase: groups of chromosomes laid out on a slide, with nuclei, specks and smudges around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage
from scipy.signal import fftconvolve

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import F64, Bool
from chromseg.boxes import Window
from chromseg.errors import DataError
from chromseg.synthesis.chromosome import Drawing, Preparation, draw_chromosome
from chromseg.synthesis.groups import Draw, crossing_group, touching_group, union
from chromseg.synthesis.karyotype import ChromosomeType

_GAP = 2  # px kept clear around a group
_TRIES = 150
_LAYOUTS = 8
_CROSSING_SIZES = {2: 0.84, 3: 0.1, 4: 0.04, 5: 0.02}  # chromosomes a crossing cluster, as in bioimlab
_TOUCHING_SIZES = {2: 0.85, 3: 0.15}


@dataclass(frozen=True)
class Scene:
    """What lies under the microscope.

    Attributes:
        masks: bool (N, H, W), exact truth of each chromosome.
        absorbance: float64 (H, W) of all that lies there; where things overlap it adds, less what the upper shadows.
    """

    masks: Bool
    absorbance: F64


def draw_scene(
    rng: np.random.Generator,
    cell: Sequence[ChromosomeType],
    preparation: Preparation,
    size: tuple[int, int],
    *,
    crossings: float,
    touching: float,
) -> Scene:
    """Lay out one cell.

    Args:
        rng: Source of all choices.
        cell: The chromosomes, in random order.
        preparation: Their look.
        size: Rows and columns of the image.
        crossings: Mean number of crossing clusters, Poisson distributed as far as the chromosomes last.
        touching: Mean number of clusters that touch without crossing, likewise.

    Returns:
        The scene, with a mask for each chromosome, groups in the order in which they were placed.

    Raises:
        DataError: A mean is negative, or the chromosomes do not fit the image.
    """
    if min(crossings, touching) < 0:
        raise DataError(
            f"a mean of {crossings} crossing and {touching} touching clusters",
            expected="0 or more of each",
            remedy="ask for numbers in this range",
        )
    for _ in range(_LAYOUTS):
        groups = _draw_groups(rng, cell, preparation, int(rng.poisson(crossings)), int(rng.poisson(touching)))
        taken = np.zeros(size, dtype=bool)
        drawings = _lay_out(rng, groups, taken)
        if drawings:
            break
    else:
        raise DataError(
            f"no room for {len(cell)} chromosomes in an image of {size[1]}×{size[0]} pixels",
            expected="free ground around every chromosome",
            remedy="ask for larger images or fewer chromosomes",
        )
    absorbance = _clutter(rng, taken)
    for drawing in drawings:
        below = absorbance[_window(drawing)] * np.exp(-preparation.shadowing * drawing.absorbance)
        absorbance[_window(drawing)] = drawing.absorbance + below
    masks = np.zeros((len(drawings), *taken.shape), dtype=bool)
    for mask, drawing in zip(masks, drawings, strict=True):
        mask[_window(drawing)] = drawing.mask
    return Scene(masks, absorbance)


def _draw_groups(
    rng: np.random.Generator, cell: Sequence[ChromosomeType], preparation: Preparation, crossings: int, touching: int
) -> list[list[Drawing]]:
    by_reach = sorted(cell, key=lambda kind: -(rng.random() ** (1 / kind.length**2)))  # long ones cross more often
    left: list[Draw] = [partial(draw_chromosome, rng, kind, preparation) for kind in by_reach]
    groups = []
    for join, sizes, wanted in (
        (crossing_group, _CROSSING_SIZES, crossings),
        (touching_group, _TOUCHING_SIZES, touching),
    ):
        for _ in range(wanted):
            members = int(rng.choice(list(sizes), p=list(sizes.values())))
            if len(left) >= members:
                groups.append(join(rng, left[:members]))
                left = left[members:]
    return groups + [[draw(rng.uniform(0, 2 * np.pi))] for draw in left]


def _lay_out(rng: np.random.Generator, groups: list[list[Drawing]], taken: Bool) -> list[Drawing]:
    """Place all groups, the largest first; none if one finds no room."""
    drawings: list[Drawing] = []
    for group in sorted(groups, key=lambda group: -union(group).mask.sum()):
        placed = _place(rng, group, taken)
        if not placed:
            return []
        drawings += placed
    return drawings


def _place(rng: np.random.Generator, group: list[Drawing], taken: Bool) -> list[Drawing]:
    """Move a group to a free place, by preference within the ellipse of the spread, and mark it as taken.

    Returns none if there is no such place.
    """
    whole = union(group, margin=_GAP)
    shape = whole.mask.shape
    room = np.array(taken.shape) - shape
    if (room < 0).any():
        return []
    corner = _random_corner(rng, whole.mask, taken) or _any_free_corner(rng, whole.mask, taken)
    if corner is None:
        return []
    row, col = corner
    grown = ndimage.binary_dilation(whole.mask, structure=EIGHT_CONNECTED, iterations=_GAP)
    taken[row : row + shape[0], col : col + shape[1]] |= grown
    return [drawing.moved(row - whole.row, col - whole.col) for drawing in group]


def _random_corner(rng: np.random.Generator, footprint: Bool, taken: Bool) -> tuple[int, int] | None:
    room = np.array(taken.shape) - footprint.shape
    spread = 0.4 * np.array([taken.shape[0], np.mean(taken.shape)])
    for _ in range(_TRIES):
        radius, angle = np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        middle = np.array(taken.shape) / 2 + radius * spread * (np.cos(angle), np.sin(angle))
        row, col = np.clip(np.rint(middle - np.array(footprint.shape) / 2).astype(int), 0, room)
        window = taken[row : row + footprint.shape[0], col : col + footprint.shape[1]]
        if not (window & footprint).any():
            return int(row), int(col)
    return None


def _any_free_corner(rng: np.random.Generator, footprint: Bool, taken: Bool) -> tuple[int, int] | None:
    """One of all free places, found by convolution: the slow way, for the last chromosomes of a crowded image."""
    hits = fftconvolve(taken.astype(float), footprint[::-1, ::-1].astype(float), mode="valid")
    free = np.argwhere(hits < 0.5)
    if not len(free):
        return None
    row, col = free[rng.integers(len(free))]
    return int(row), int(col)


def _clutter(rng: np.random.Generator, taken: Bool) -> F64:
    """Absorbance (H, W) of nuclei beside the chromosomes, of dark specks, and of pale smudges anywhere."""
    clutter = np.zeros(taken.shape)
    for _ in range(rng.poisson(0.8)):
        _add_nucleus(rng, clutter, taken)
    for _ in range(rng.poisson(5)):
        window, distance = _around(rng.uniform(0, 1, 2) * taken.shape, 3, taken.shape)
        clutter[window][distance < rng.uniform(0.5, 2.2)] = rng.uniform(0.2, 1.2)
    for _ in range(rng.poisson(4)):
        spread = rng.uniform(3, 14)
        window, distance = _around(rng.uniform(0, 1, 2) * taken.shape, 4 * spread, taken.shape)
        clutter[window] += rng.uniform(0.01, 0.06) * np.exp(-0.5 * (distance / spread) ** 2)
    return clutter


def _add_nucleus(rng: np.random.Generator, clutter: F64, taken: Bool) -> None:
    """Draw an oval nucleus with clumped chromatin beside the spread, unless chromosomes leave no room."""
    for _ in range(_TRIES):
        long = taken.shape[0] * rng.uniform(0.1, 0.18)
        flat, turn = rng.uniform(1, 1.5), rng.uniform(0, np.pi)
        place = rng.uniform(-0.05, 1.05, 2)
        window, inside = _around(place * taken.shape, 1.1 * long, taken.shape, flat, turn)
        if np.hypot(*(place - 0.5)) > 0.4 and not (taken[window] & (inside < 1.1 * long)).any():
            break
    else:
        return
    clumps = ndimage.gaussian_filter(rng.normal(0, 1, inside.shape), 2) * rng.uniform(0.3, 1.2)
    clumps += ndimage.gaussian_filter(rng.normal(0, 1, inside.shape), 9) * rng.uniform(1, 5)
    body = np.clip((1 - (inside / long) ** 2) * 6, 0, 1) * np.clip(1 + clumps, 0.4, 1.8)
    clutter[window] = np.maximum(clutter[window], body * rng.uniform(0.35, 1.1))


def _around(
    middle: F64, reach: float, shape: tuple[int, ...], flat: float = 1.0, turn: float = 0.0
) -> tuple[Window, F64]:
    """The window of an image within `reach` of a point, and its pixels' distance to it, across counted `flat` times."""
    first = np.clip(np.floor(middle - reach), 0, shape).astype(int)
    last = np.clip(np.ceil(middle + reach) + 1, 0, shape).astype(int)
    rows, cols = np.mgrid[first[0] : last[0], first[1] : last[1]].astype(np.float64)
    along = (rows - middle[0]) * np.cos(turn) + (cols - middle[1]) * np.sin(turn)
    across = (cols - middle[1]) * np.cos(turn) - (rows - middle[0]) * np.sin(turn)
    return (slice(first[0], last[0]), slice(first[1], last[1])), np.hypot(along, flat * across)


def _window(drawing: Drawing) -> Window:
    return slice(drawing.row, drawing.bottom), slice(drawing.col, drawing.right)
