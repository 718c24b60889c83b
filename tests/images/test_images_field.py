"""The field: what a network is shown of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.arrays import F32
from chromseg.images.field import field_of


def _picture(rows: slice, cols: slice, ground: float = 0.0) -> F32:
    """float32 (400, 500): a bar on a ground."""
    image = np.full((400, 500), ground, dtype=np.float32)
    image[rows, cols] = 0.4
    return image


def test_the_field_is_what_stands_out_with_a_margin_and_begins_where_poolings_begin() -> None:
    rows, cols = field_of(_picture(slice(200, 260), slice(150, 170)), 0.4, 32)
    assert (rows.start % 32, cols.start % 32) == (0, 0)
    assert 128 <= rows.start <= 168 and 260 + 28 <= rows.stop <= 260 + 40
    assert 96 <= cols.start <= 118 and 170 + 28 <= cols.stop <= 170 + 40


def test_it_ends_where_the_picture_ends() -> None:
    assert field_of(_picture(slice(0, 30), slice(480, 500)), 0.4, 32)[0].start == 0
    assert field_of(_picture(slice(0, 30), slice(480, 500)), 0.4, 32)[1].stop == 500


def test_a_pale_chromosome_stands_out_too() -> None:
    image = _picture(slice(200, 260), slice(150, 170))
    image[350:380, 400:416] = 0.15
    rows, cols = field_of(image, 0.4, 32)
    assert rows.stop == 400 and cols.stop >= 430


@pytest.mark.parametrize(("ground", "tone"), [(0.0, 0.4), (0.2, 0.4), (0.0, 0.0)], ids=["blank", "dark", "no tone"])
def test_otherwise_it_is_the_whole_picture(ground: float, tone: float) -> None:
    image = np.full((400, 500), ground, np.float32) if tone else _picture(slice(200, 260), slice(150, 170))
    assert field_of(image, tone, 32) == (slice(0, 400), slice(0, 500))
