"""Good and bad pages for the input rules, drawn; each bad one breaks the rule it is named after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from drawn_dataset import SIDE, bars, draw
from scipy import ndimage


@dataclass(frozen=True)
class Drawn:
    """A page as reading gives it."""

    grey: npt.NDArray[Any]
    rgb: npt.NDArray[np.uint8] | None = None
    bit_depth: int = 8


def chromosomes() -> npt.NDArray[np.uint8]:
    return draw(bars(1), 1)


def blur(grey: npt.NDArray[Any], sigma: float) -> npt.NDArray[np.uint8]:
    """Out of focus: the optics blur, the sensor adds its noise afterwards."""
    smooth = ndimage.gaussian_filter(grey.astype(np.float32), sigma, mode="nearest")
    return (smooth + np.random.default_rng(0).normal(0, 1, grey.shape)).clip(0, 255).astype(np.uint8)


def tinted() -> Drawn:
    """One stain under a warm lamp: colour, but of one kind."""
    grey = chromosomes()
    density = -np.log(np.clip(grey, 1, 255) / 255.0)
    rgb = 255 * np.exp(-density[..., None] * np.array([0.6, 1.0, 0.5])) * np.array([1.0, 0.95, 0.85])
    return Drawn(grey, rgb.astype(np.uint8))


def colour_photograph() -> Drawn:
    """Patches of many hues."""
    rgb = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).repeat(12, axis=0).repeat(12, axis=1).astype(np.uint8)
    rgb = np.stack([blur(rgb[..., band], 1.0) for band in range(3)], axis=-1)
    return Drawn(rgb.mean(axis=-1).astype(np.uint8), rgb)


def with_nan() -> Drawn:
    grey = chromosomes().astype(np.float32)
    grey[3, 4] = np.nan
    return Drawn(grey, None, 32)


def noise() -> Drawn:
    values = np.random.default_rng(0).normal(128, 40, (SIDE, SIDE))
    return Drawn(np.clip(values, 0, 255).astype(np.uint8))


def speck() -> Drawn:
    field = np.random.default_rng(0).normal(235, 2, (300, 300))
    field[100:104, 100:104] = 0
    return Drawn(field.astype(np.uint8))


def shaded() -> Drawn:
    """An empty field, lit from one side."""
    field = np.linspace(120, 250, 400)[None, :] + np.random.default_rng(0).normal(0, 2, (400, 400))
    return Drawn(np.clip(field, 0, 255).astype(np.uint8))


def over_exposed() -> Drawn:
    return Drawn(np.clip((255 - chromosomes().astype(int) - 20) * 12, 0, 255).astype(np.uint8))


def enlarged(times: int) -> npt.NDArray[np.uint8]:
    """The chromosomes 9 × `times` pixels wide."""
    return np.asarray(ndimage.zoom(chromosomes(), times, order=3))


def page_of_signs() -> Drawn:
    """More small things than any metaphase has chromosomes, in even print."""
    field = np.full((600, 600), 235, np.uint8)
    for row in range(8, 590, 20):
        for col in range(8, 590, 20):
            field[row : row + 10, col : col + 6] = 60 + (row + col) % 90
    return Drawn(ndimage.uniform_filter(field, 3))


GOOD: dict[str, Callable[[], Drawn]] = {
    "as drawn": lambda: Drawn(chromosomes()),
    "inverted": lambda: Drawn(255 - chromosomes()),
    "12 in 16 bits": lambda: Drawn(chromosomes().astype(np.uint16) * 16, None, 12),
    "16 bits": lambda: Drawn(chromosomes().astype(np.uint16) * 257, None, 16),
    "float within 0-1": lambda: Drawn((chromosomes() / 255).astype(np.float32), None, 32),
    "enlarged": lambda: Drawn(ndimage.zoom(chromosomes(), 2, order=1)),
    "enlarged much": lambda: Drawn(enlarged(4)),
    "made smaller": lambda: Drawn(blur(chromosomes(), 0.8)[::2, ::2]),
    "noisy": lambda: Drawn(
        np.clip(chromosomes() + np.random.default_rng(0).normal(0, 10, (SIDE, SIDE)), 0, 255).astype(np.uint8)
    ),
    "tight cut-out on white": lambda: Drawn(np.pad(chromosomes()[2:36, 4:34], 2, constant_values=255)),
    "colour of one stain": tinted,
}

BAD: dict[str, list[Callable[[], Drawn]]] = {
    "not-too-small": [
        lambda: Drawn(np.zeros((1, 1), np.uint8)),
        lambda: Drawn(chromosomes()[:8]),
    ],
    "depth-allowed": [lambda: Drawn(chromosomes(), None, 64)],
    "finite": [with_nan],
    "not-blank": [
        lambda: Drawn(np.zeros((SIDE, SIDE), np.uint8)),
        lambda: Drawn(np.full((SIDE, SIDE), 255, np.uint8)),
        lambda: Drawn(np.zeros((SIDE, SIDE), np.float32), None, 32),
        lambda: Drawn((chromosomes() // 30 + 100).astype(np.uint8)),
        speck,
        shaded,
    ],
    "above-noise": [noise],
    "not-saturated": [over_exposed, lambda: Drawn((chromosomes() > 150).astype(np.uint8) * 255)],
    "few-objects": [page_of_signs],
    "sharp": [lambda: Drawn(blur(chromosomes(), 5))],
    "focused": [lambda: Drawn(blur(enlarged(4), 8))],
    "in-focus": [lambda: Drawn(blur(chromosomes(), 12)), lambda: Drawn(blur(enlarged(4), 18))],
    "grey": [colour_photograph],
}
