"""Ports: where a free part meets a crossing, and which way its arm leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations.rasterize import BoolArray
from chromseg.partition.parts import FloatArray, IntArray, Parts, grow_over_corners

_STUB_AREA = 0.35  # squared chromosome widths; less is a tip that looks out of the crossing, not a chromosome


@dataclass(frozen=True)
class Port:
    """Where one free part meets one crossing.

    Attributes:
        part: Label of the free part.
        row: Centre of the contact, in pixels.
        col: Centre of the contact, in pixels.
        away: Unit vector (row, col) from the crossing along the arm.
        width: Length of the contact in pixels.
        area: Area of the whole part in squared chromosome widths.
        weld: Ports of one number belong to arms that are joined around the crossing.
        shade: Mean absorbance of the arm near the crossing; 0 without an image.
    """

    part: int
    row: float
    col: float
    away: tuple[float, float]
    width: float
    area: float
    weld: int
    shade: float

    @property
    def is_stub(self) -> bool:
        """Whether the part is too small to be a chromosome that ends here."""
        return self.area < _STUB_AREA


def find_ports(parts: Parts, image: FloatArray | None, reach: int, width: float) -> list[list[Port]]:
    """The ports of every crossing part, in order of crossing and then of part.

    Args:
        parts: One cluster cut up.
        image: float32 (H, W) absorbance or None.
        reach: How far an arm is followed to see where it goes, in pixels.
        width: Width of a chromosome in pixels.
    """
    areas = np.bincount(parts.free.ravel(), minlength=parts.n_free + 1) / width**2
    ports = []
    for label, box in enumerate(ndimage.find_objects(parts.crossing), start=1):
        window = tuple(slice(max(side.start - reach - 2, 0), side.stop + reach + 2) for side in box)
        inside = parts.crossing[window] == label
        shades = None if image is None else image[window]
        ports.append(_ports_at(inside, parts.free[window], areas, parts.welds, shades, reach))
    return ports


def _ports_at(
    inside: BoolArray,
    free: IntArray,
    areas: npt.NDArray[np.float64],
    welds: IntArray,
    shades: FloatArray | None,
    reach: int,
) -> list[Port]:
    contact = grow_over_corners(inside) & ~inside & (free > 0)
    rows, cols = np.nonzero(contact)
    owners = free[rows, cols]
    centre_row, centre_col = (float(index.mean()) for index in np.nonzero(inside))
    ports = []
    for part in np.flatnonzero(np.bincount(owners)):
        own = owners == part
        row, col = float(rows[own].mean()), float(cols[own].mean())
        away, shade = _follow(free == part, row, col, shades, reach)
        if math.hypot(*away) < 1:
            away = (row - centre_row, col - centre_col)
        length = max(math.hypot(*away), 1e-6)
        unit = (away[0] / length, away[1] / length) if length > 1e-3 else (0.0, 1.0)
        ports.append(Port(int(part), row, col, unit, float(own.sum()), float(areas[part]), int(welds[part]), shade))
    return ports


def _follow(arm: BoolArray, row: float, col: float, shades: Any, reach: int) -> tuple[tuple[float, float], float]:
    """Where the arm's pixels within reach lie, seen from its port, and how dark they are."""
    rows, cols = np.nonzero(arm)
    near = (rows - row) ** 2 + (cols - col) ** 2 <= reach**2
    rows, cols = rows[near], cols[near]
    shade = 0.0 if shades is None else float(shades[rows, cols].mean())
    return (float(rows.mean()) - row, float(cols.mean()) - col), shade
