"""How fine what a picture shows is, against its blur: by hand for a field of dots, and whatever the magnification."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from chromseg.validation.focus import fineness


def dots(sigma: float, side: int = 512) -> np.ndarray:
    """Points at random, seen out of focus: what they show is as fine as the blur."""
    field = np.random.default_rng(1).random((side, side)) < 0.3
    return np.asarray(ndimage.gaussian_filter(field.astype(np.float32), sigma, mode="wrap"))


@pytest.mark.parametrize("sigma", [4.0, 6.0, 12.0])
def test_of_points_out_of_focus(sigma: float) -> None:
    """White noise after Gaussians: a band between a and b times the blur has 1/(1+a²) − 2/(1+(a²+b²)/2) + 1/(1+b²)."""

    def energy(a: float, b: float) -> float:
        return 1 / (1 + a**2) - 2 / (1 + (a**2 + b**2) / 2) + 1 / (1 + b**2)

    assert fineness(dots(sigma), sigma) == pytest.approx(energy(0.5, 1) / energy(2, 4), rel=0.3)


def test_of_a_disk_in_focus() -> None:
    row, col = np.indices((300, 300))
    disk = ((row - 150) ** 2 + (col - 150) ** 2 < 80**2).astype(np.float32)
    sharp = fineness(ndimage.gaussian_filter(disk, 4), 4)
    assert sharp < 0.09 < fineness(ndimage.gaussian_filter(disk, 60), 60)


def test_magnification_does_not_matter() -> None:
    assert fineness(ndimage.zoom(dots(4, 256), 3, order=1), 12) == pytest.approx(fineness(dots(4, 256), 4), rel=0.1)


def test_of_nothing() -> None:
    assert fineness(np.zeros((40, 40), np.float32), 5) == 0
