"""Small sources in each format: two crossing bars drawn on a plain ground."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = 60, 80
ACROSS = [[10, 26], [70, 26], [70, 34], [10, 34]]  # x, y: a bar from left to right
DOWN = [[36, 6], [44, 6], [44, 54], [36, 54]]  # a bar from top to bottom


def _draw(*, dark=True, size=(HEIGHT, WIDTH), down=36):
    """uint8 (60, 80): both bars; where they cross, twice as dark (or bright). `down` is the second one's place."""
    depth = np.zeros(size, dtype=np.int16)
    depth[26:34, 10:70] += 60
    depth[6:54, down : down + 8] += 60
    return (230 - depth if dark else 25 + depth).astype(np.uint8)


@pytest.fixture
def draw() -> Callable[..., np.ndarray]:
    return _draw


@pytest.fixture
def save() -> Callable[..., Path]:
    """save(path, pixels or drawing options): writes a picture, making folders."""

    def _save(path, pixels=None, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_draw(**options) if pixels is None else pixels).save(path)
        return path

    return _save


@pytest.fixture
def bars() -> np.ndarray:
    """bool (2, 60, 80): the two bars as drawn."""
    masks = np.zeros((2, HEIGHT, WIDTH), dtype=bool)
    masks[0, 26:34, 10:70] = True
    masks[1, 6:54, 36:44] = True
    return masks


@pytest.fixture
def polygons() -> tuple[list, list]:
    """The two bars as LabelMe draws them: [[x, y], …]."""
    return ACROSS, DOWN
