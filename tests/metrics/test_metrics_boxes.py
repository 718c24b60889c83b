"""Images of which only boxes are known, detectors that hand out less than they find, and intervals."""

import dataclasses

import numpy as np
import pytest

from chromseg.metrics import (
    average_precision,
    instance_intervals,
    score_boxes,
    score_instances,
    summarize_instances,
    with_detections,
)

TRUTH = np.array([[0, 0, 10, 10], [20, 0, 30, 10.0]])


def square(*corners):
    masks = np.zeros((len(corners), 40, 40), dtype=bool)
    for mask, (row, col) in zip(masks, corners, strict=True):
        mask[row : row + 10, col : col + 10] = True
    return masks


def test_boxes_by_hand():
    pred = np.array([[0, 0, 10, 10], [20, 0, 30, 6], [50, 0, 60, 10.0]])  # right, IoU 0.6, invented
    score = score_boxes("a", "case", pred, np.array([0.9, 0.8, 0.1]), TRUTH)
    assert score.recovered.tolist() == [True, False] and score.correct.tolist() == [True, False, False]
    metrics = summarize_instances([score])
    assert metrics["box_ap50"] == pytest.approx(1.0) and metrics["count_mae"] == 1
    assert metrics["recovered_80"] == 0.5
    assert metrics["mask_map"] is None and metrics["recall_crossing"] is None


def test_box_scores_are_those_of_masks_that_fill_their_boxes():
    masks = score_instances("a", "case", square((0, 0), (3, 20)), np.array([0.9, 0.8]), square((0, 0), (0, 20)))
    boxes = score_boxes("a", "case", np.array([[0, 0, 10, 10], [20, 3, 30, 13.0]]), np.array([0.9, 0.8]), TRUTH)
    np.testing.assert_allclose(boxes.boxes.ious, masks.boxes.ious)
    assert summarize_instances([boxes])["box_map"] == summarize_instances([masks])["box_map"]


def test_a_detector_is_counted_by_what_it_hands_out_and_ranked_by_all_it_finds():
    truth = square((0, 0), (0, 20))
    found = square((0, 0), (0, 20), (25, 25))
    everything = score_instances("a", "case", found, np.array([0.9, 0.4, 0.2]), truth)
    handed_out = score_instances("a", "case", found[:1], np.array([0.9]), truth)
    metrics = summarize_instances([with_detections(handed_out, everything)])
    assert metrics["mask_ap50"] == 1.0 and summarize_instances([handed_out])["mask_ap50"] < 0.6
    assert metrics["count_mae"] == 1 and metrics["recovered_80"] == 0.5
    assert metrics["ece"] == pytest.approx((0.1 + 0.6 + 0.2) / 3)


def test_intervals_hold_the_figure_and_need_several_cases():
    truth = square((0, 0), (0, 20))
    good = score_instances("a", "first", truth, np.array([0.9, 0.8]), truth)
    bad = dataclasses.replace(score_instances("b", "second", truth[:1], np.array([0.7]), truth))
    found = instance_intervals([good, bad], n=50)
    assert found["mask_ap50"] is not None and found["recall_crossing"] is None
    both = average_precision([good.masks, bad.masks]).ap50
    assert found["mask_ap50"].low < both < found["mask_ap50"].high == 1.0
    assert found["count_mae"] == (0.0, 1.0)
    boxes_only = score_boxes("c", "third", TRUTH, np.array([0.9, 0.8]), TRUTH)
    assert instance_intervals([boxes_only], n=10)["mask_map"] is None
    assert set(instance_intervals([], n=10).values()) == {None}
