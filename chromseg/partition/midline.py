"""The middle of a chromosome near an axis that a hand drew."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import ndimage

from chromseg.arrays import F64, Bool

Axis: TypeAlias = F64  # (P, 2), points (row, col)

_STEP = 0.5  # px between points
_SMOOTH = 0.3  # chromosome widths, standard deviation along the axis: a hand trembles
_WIDEST = 1.35  # chromosome widths; a wider cross-section is of more than one chromosome


@dataclass(frozen=True)
class Midline:
    """Where a chromosome runs.

    Attributes:
        points: float64 (P, 2), row and column, half a pixel apart.
        half: Half the chromosome's width in pixels.
    """

    points: Axis
    half: float


def midline_of(axis: Axis, region: Bool, width: float) -> Midline:
    """Move a drawn axis to the middle of what it runs through.

    Where the region is as wide as one chromosome its two borders tell the middle; where it is wider, other chromosomes
    lie there, and the shift goes over from one side to the other.

    Args:
        axis: float64 (P, 2), two points or more, not all the same.
        region: bool (h, w), the tangle.
        width: Typical width of a chromosome in pixels.
    """
    points = _smoothed(axis, width)
    tangents = np.gradient(points, axis=0)
    normals = tangents[:, ::-1] * (-1, 1) / np.maximum(np.hypot(*tangents.T), 1e-9)[:, None]
    before, after = (_run(points, side * normals, region, width) for side in (-1, 1))
    across = before + after
    known = (across > 0) & (across <= _WIDEST * width)
    if not known.any():
        return Midline(points, width / 2)
    places = np.arange(len(points))
    shifts = np.interp(places, places[known], (after - before)[known] / 2)
    shifts = ndimage.gaussian_filter1d(shifts, width / 2 / _STEP, mode="nearest")
    return Midline(points + shifts[:, None] * normals, float(np.median(across[known])) / 2)


def _smoothed(axis: Axis, width: float) -> F64:
    """The axis at even steps, without trembling; its ends stay where they are."""
    way = np.concatenate([[0.0], np.hypot(*np.diff(axis, axis=0).T).cumsum()])
    steps = np.linspace(0, way[-1], max(math.ceil(way[-1] / _STEP), 3) + 1)
    even = np.stack([np.interp(steps, way, axis[:, side]) for side in (0, 1)], axis=1)
    reach = min(_SMOOTH * width / _STEP, len(even) / 8)
    chord = even[0] + (even[-1] - even[0]) * np.linspace(0, 1, len(even))[:, None]
    return np.asarray(chord + ndimage.gaussian_filter1d(even - chord, reach, axis=0, mode="nearest"))


def _run(points: F64, ways: F64, region: Bool, width: float) -> F64:
    """From each point float64 (P, 2) how far, in pixels, the region goes on one way; at most two widths."""
    reach = np.arange(0, 2 * width + _STEP, _STEP)
    rows, cols = np.moveaxis(np.rint(points[:, None] + reach[:, None] * ways[:, None]).astype(int), -1, 0)
    within = (rows >= 0) & (rows < region.shape[0]) & (cols >= 0) & (cols < region.shape[1])
    inside = within & region[rows.clip(0, region.shape[0] - 1), cols.clip(0, region.shape[1] - 1)]
    gone = np.where(inside.all(axis=1), len(reach), inside.argmin(axis=1)) - 1
    return np.asarray(_STEP * gone.clip(0))
