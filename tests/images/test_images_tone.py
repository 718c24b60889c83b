"""Tone: how dark chromosomes are, whatever else is in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.arrays import F32
from chromseg.images.tone import chromosome_tone, toned


def _picture(level: float, nucleus: float = 0.0) -> F32:
    """float32 (200, 200): bars of one absorbance, one dark spot, perhaps a nucleus."""
    image = np.zeros((200, 200), dtype=np.float32)
    for row in range(20, 180, 16):
        image[row : row + 8, 10:70] = level
    image[20:24, 10:14] = 1.0
    rows, cols = np.mgrid[:200, :200]
    image[np.hypot(rows - 100, cols - 140) < 45] = nucleus
    return image


@pytest.mark.parametrize("level", [0.3, 0.6])
@pytest.mark.parametrize("nucleus", [0.0, 0.8])
def test_tone_is_that_of_the_chromosomes_whatever_the_nuclei(level: float, nucleus: float) -> None:
    assert chromosome_tone(_picture(level, nucleus)) == pytest.approx(level)


@pytest.mark.parametrize("level", [0.2, 0.4, 0.8])
def test_pictures_are_brought_to_one_tone(level: float) -> None:
    image = toned(_picture(level), 0.4)
    assert image.dtype == np.float32 and image.max() <= 1
    assert chromosome_tone(image) == pytest.approx(0.4)
    assert (toned(_picture(level), 0.0) == _picture(level)).all()


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_an_even_picture_stays_as_it_is(level: float) -> None:
    even = np.full((8, 9), level, dtype=np.float32)
    assert chromosome_tone(even) == 0.0
    assert (toned(even, 0.4) == even).all()


def test_where_all_is_thick_all_counts() -> None:
    rows, cols = np.mgrid[:200, :200]
    nucleus = np.where(np.hypot(rows - 100, cols - 100) < 60, np.float32(0.7), np.float32(0))
    assert chromosome_tone(nucleus) == pytest.approx(0.7)
