import numpy as np
import pytest

from chromseg.metrics import expected_calibration_error, reliability

SCORES = np.array([0.05, 0.95, 0.85, 1.0, 0.92])
CORRECT = np.array([False, True, False, True, False])


def test_bins_by_hand():
    low, middle, high = reliability(SCORES, CORRECT)
    assert (low.low, low.high, low.n, low.score, low.correct) == (0.0, 0.1, 1, 0.05, 0.0)
    assert (middle.low, middle.n, middle.correct) == (0.8, 1, 0.0)
    assert (high.low, high.high, high.n) == (0.9, 1.0, 3)  # a score of 1 belongs to the last bin
    assert high.score == pytest.approx((0.95 + 1 + 0.92) / 3) and high.correct == pytest.approx(2 / 3)


def test_error_is_the_gap_weighted_by_counts():
    expected = (0.05 + 0.85 + 3 * abs((0.95 + 1 + 0.92) / 3 - 2 / 3)) / 5
    assert expected_calibration_error(SCORES, CORRECT) == pytest.approx(expected)


def test_nothing_has_no_bins():
    assert reliability(np.zeros(0), np.zeros(0, dtype=bool)) == []
    assert expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) is None
