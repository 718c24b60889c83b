"""Crossings with their ports: where a free part meets a crossing, and which way its arm leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.arrays import F64, I32, Bool
from chromseg.boxes import grown
from chromseg.partition.parts import Parts, grow_over_corners

Coordinates = F64

_CRUMB_AREA = 0.12  # squared chromosome widths
_STUB_AREA = 0.35  # squared chromosome widths; less is a tip that looks out of the crossing, not a chromosome


@dataclass(frozen=True)
class Port:
    """Where one free part meets one crossing.

    Attributes:
        part: Label of the free part.
        row: Centre of the contact, in pixels.
        col: Centre of the contact, in pixels.
        away: Unit vector (row, col) from the crossing along the arm.
        area: Area of the whole part in squared chromosome widths.
        weld: Ports of one number belong to arms that are joined around the crossing.
    """

    part: int
    row: float
    col: float
    away: tuple[float, float]
    area: float
    weld: int

    @property
    def is_stub(self) -> bool:
        """Whether the part is too small to be a chromosome that ends here."""
        return self.area < _STUB_AREA

    @property
    def is_crumb(self) -> bool:
        """Whether the part is so small that it hardly matters whose it is."""
        return self.area < _CRUMB_AREA


@dataclass(frozen=True, eq=False)
class Crossing:
    """Where chromosomes lie over one another.

    Attributes:
        ports: In order of part.
        pixels: float64 (P, 2), row and column of its pixels, in the coordinates of the ports.
        width: Typical width of a chromosome in pixels.
    """

    ports: list[Port]
    pixels: Coordinates
    width: float

    @property
    def area(self) -> float:
        """In squared chromosome widths."""
        return len(self.pixels) / self.width**2


def find_crossings(parts: Parts, reach: int, width: float) -> list[Crossing]:
    """The crossing parts of a cluster with their ports, in order of label.

    Args:
        parts: One cluster cut up.
        reach: How far an arm is followed to see where it goes, in pixels.
        width: Width of a chromosome in pixels.
    """
    areas = np.bincount(parts.free.ravel(), minlength=parts.n_free + 1) / width**2
    crossings = []
    for label, box in enumerate(ndimage.find_objects(parts.crossing), start=1):
        window = grown(box, reach + 2)
        inside = parts.crossing[window] == label
        pixels = np.argwhere(inside).astype(np.float64)
        centre = pixels.sum(axis=0) / len(pixels)
        ports = _ports_at(inside, (float(centre[0]), float(centre[1])), parts.free[window], areas, parts.welds, reach)
        crossings.append(Crossing(ports, pixels, width))
    return crossings


def _ports_at(
    inside: Bool,
    centre: tuple[float, float],
    free: I32,
    areas: F64,
    welds: npt.NDArray[np.integer],
    reach: int,
) -> list[Port]:
    rows, cols = np.nonzero(free)
    owners = free[rows, cols]
    touching = grow_over_corners(inside)[rows, cols]
    widths, contact_rows, contact_cols = _sums(owners[touching], len(areas), rows[touching], cols[touching])
    meets = widths > 0
    contact_rows, contact_cols = contact_rows / np.maximum(widths, 1), contact_cols / np.maximum(widths, 1)
    down, right = rows - contact_rows[owners], cols - contact_cols[owners]
    near = meets[owners] & (down**2 + right**2 <= reach**2)
    counts, aways_down, aways_right = _sums(owners[near], len(areas), down[near], right[near])
    ports = []
    for part in np.flatnonzero(meets):
        row, col, n = float(contact_rows[part]), float(contact_cols[part]), float(counts[part])
        away = float(aways_down[part]) / n, float(aways_right[part]) / n
        if math.hypot(*away) < 1:  # a stub or a thin rim: it lies beyond the contact as seen from the crossing
            away = row - centre[0], col - centre[1]
        length = math.hypot(*away)
        unit = (away[0] / length, away[1] / length) if length > 0 else (1.0, 0.0)
        ports.append(Port(int(part), row, col, unit, float(areas[part]), int(welds[part])))
    return ports


def _sums(owners: I32, length: int, *values: npt.NDArray[np.generic]) -> list[F64]:
    """How many pixels each owner has, and the sum of each value over them."""
    return [np.bincount(owners, weights=value, minlength=length).astype(float) for value in (None, *values)]
