"""Drawn chromosomes: straight capsules whose union and overlap are the two maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from chromseg.arrays import Bool

Arm = tuple[tuple[float, float], tuple[float, float]]


def capsule(shape: tuple[int, int], start: tuple[float, float], end: tuple[float, float], width: float) -> Bool:
    """All pixels within half a width of the line from start to end (row, col)."""
    rows, cols = np.mgrid[: shape[0], : shape[1]].astype(float)
    along = np.subtract(end, start)
    share = ((rows - start[0]) * along[0] + (cols - start[1]) * along[1]) / max(float(along @ along), 1e-9)
    share = np.clip(share, 0, 1)
    distance = np.hypot(rows - start[0] - share * along[0], cols - start[1] - share * along[1])
    return distance <= width / 2


@pytest.fixture
def draw() -> Callable[..., Bool]:
    """Masks bool (N, H, W) of straight chromosomes ((row, col), (row, col))."""

    def _draw(*arms: Arm, shape: tuple[int, int] = (64, 64), width: float = 9) -> Bool:
        return np.stack([capsule(shape, *arm, width) for arm in arms])

    return _draw
