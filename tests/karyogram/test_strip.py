"""Straightened chromosomes."""

from __future__ import annotations

import numpy as np
import pytest
from bent import arc, straight

from chromseg.karyogram.axis import axis_of
from chromseg.karyogram.strip import strip_of


def test_a_bent_chromosome_lies_straight_in_the_middle() -> None:
    absorbance, mask, way = arc(radius=30, width=9)
    strip = strip_of(absorbance, mask, axis_of(mask), (1.0, 1.0), (128, 32))
    assert strip.shape == (2, 128, 32) and strip.dtype == np.float32
    inside = strip[1] > 0.5
    rows = np.flatnonzero(inside.any(axis=1))
    assert len(rows) == pytest.approx(way, abs=6) and rows.mean() == pytest.approx(63.5, abs=1.5)
    assert inside[rows[8:-8]].sum(axis=1) == pytest.approx(9, abs=1.1)
    cols = (inside * np.arange(32)).sum(axis=1)[rows] / inside.sum(axis=1)[rows]
    assert cols[8:-8] == pytest.approx(15.5, abs=0.8)


def test_bands_keep_their_places_along_the_axis() -> None:
    absorbance, mask, way = arc(radius=30)
    strip = strip_of(absorbance, mask, axis_of(mask), (1.0, 1.0), (128, 32))
    profile = strip[0].sum(axis=1) / np.maximum(strip[1].sum(axis=1), 1e-6)
    dark = np.flatnonzero(profile > 0.6)
    assert len(dark) == pytest.approx(way / 4, abs=4)  # the first quarter
    assert dark.max() < 64 or dark.min() > 63  # on one side of the middle


def test_the_scale_is_that_which_is_asked_for() -> None:
    absorbance, mask = straight(length=40, width=9)
    strip = strip_of(absorbance, mask, axis_of(mask), (2.0, 2.0), (128, 48))
    inside = strip[1] > 0.5
    assert inside.any(axis=1).sum() == pytest.approx(80, abs=3) and inside.any(axis=0).sum() == pytest.approx(18, abs=2)


def test_what_is_not_of_the_mask_is_left_out() -> None:
    absorbance, mask = straight()
    beside = absorbance.copy()
    beside[~mask] = 0.9
    axis = axis_of(mask)
    own, other = (strip_of(picture, mask, axis, (1.0, 1.0), (64, 32)) for picture in (absorbance, beside))
    assert np.array_equal(own, other)
