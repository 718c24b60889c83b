import numpy as np
import pytest

from chromseg.metrics import expected_calibration_error, reliability, score_boxes, score_instances, scores_and_hits

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


def bars(*ends):
    """Bars of one row that start alike and reach `ends`."""
    masks = np.zeros((len(ends), 1, 200), dtype=bool)
    for mask, end in zip(masks, ends, strict=True):
        mask[0, :end] = True
    return masks


def test_of_two_on_one_chromosome_the_surer_is_the_correct_one():
    truth, found, scores = bars(100), bars(95, 90), np.array([0.06, 0.97])
    by_masks = score_instances("a", "case", found, scores, truth)
    boxes = [np.array([[0.0, 0, mask.sum(), 1] for mask in masks]) for masks in (found, truth)]
    by_boxes = score_boxes("a", "case", boxes[0], scores, boxes[1])
    for score in (by_masks, by_boxes):
        assert score.correct.tolist() == [False, True] and score.recovered.tolist() == [True]
        assert [values.tolist() for values in scores_and_hits([score])] == [[0.06, 0.97], [False, True]]


def test_what_a_surer_one_takes_may_still_be_recovered():
    truth = np.stack([bars(100)[0], np.roll(bars(100)[0], 12)])  # columns 0–99 and 12–111
    found = np.stack([np.roll(bars(100)[0], 4), bars(100)[0]])  # 4–103, nearer the first, and 0–99
    score = score_instances("a", "case", found, np.array([0.9, 0.8]), truth)
    assert score.recovered.tolist() == [True, True], "the best assignment gives each its own"
    assert score.correct.tolist() == [True, False], "by score, the first takes the first"
