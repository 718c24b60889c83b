"""The axis of a chromosome against ones whose middle is known."""

from __future__ import annotations

import numpy as np
import pytest
from bent import arc, straight

from chromseg.errors import MaskError
from chromseg.karyogram.axis import STEP, axis_of, length_of


def test_the_axis_of_a_bar_runs_through_its_middle_from_tip_to_tip() -> None:
    _, mask = straight(length=40, width=9)
    axis = axis_of(mask)
    inner = axis[10:-10]
    assert inner[:, 1] == pytest.approx(29.0, abs=0.6)  # columns 25 to 33
    assert length_of(axis) == pytest.approx(40, abs=2)


def test_the_axis_of_half_a_ring_stays_at_its_radius() -> None:
    _, mask, way = arc(radius=30)
    axis = axis_of(mask)
    far = np.hypot(*(axis - 49.5).T)
    assert far[len(far) // 8 : -len(far) // 8] == pytest.approx(30, abs=1)
    assert length_of(axis) == pytest.approx(way, rel=0.05)  # the chord would be a third shorter


def test_points_are_equally_far_apart() -> None:
    steps = np.hypot(*np.diff(axis_of(arc()[1]), axis=0).T)
    assert steps == pytest.approx(STEP, rel=0.2)


def test_a_compact_chromosome_has_a_straight_axis() -> None:
    _, mask = straight(length=14, width=10)
    axis = axis_of(mask)
    ways = np.diff(axis, axis=0)
    assert np.abs(ways @ ways[0]) == pytest.approx(np.hypot(*ways.T) * np.hypot(*ways[0]), rel=1e-6)
    assert abs(ways[0][0]) > 10 * abs(ways[0][1])  # along, not from corner to corner


def test_a_splinter_apart_does_not_count() -> None:
    _, mask = straight()
    beside = mask.copy()
    beside[2, 2] = True
    assert np.array_equal(axis_of(beside), axis_of(mask))


def test_one_pixel_has_an_axis_and_none_has_not() -> None:
    one = np.zeros((5, 5), dtype=bool)
    one[2, 3] = True
    assert axis_of(one).mean(axis=0).tolist() == [2, 3]
    with pytest.raises(MaskError, match="empty mask"):
        axis_of(np.zeros((5, 5), dtype=bool))
