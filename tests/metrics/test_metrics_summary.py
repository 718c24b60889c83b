import json

import numpy as np
import pytest

from chromseg.metrics import (
    CutoutScore,
    crossing_instances,
    expected_calibration_error,
    handed_out,
    score_instances,
    sp_acc,
    sp_acc_true_maps,
    summarize,
)

KEYS = [
    "iou_crossing",
    "iou_chromosome",
    "iou_foreground",
    "overlap_acc",
    "sp_acc",
    "sp_acc_70",
    "sp_acc_90",
    "sp_acc_true_maps",
    "overall_acc",
    "mask_map",
    "mask_ap50",
    "mask_ap75",
    "box_map",
    "box_ap50",
    "box_ap75",
    "own_box_map",
    "own_box_ap50",
    "count_mae",
    "count_exact",
    "edits",
    "recall_crossing",
    "recovered_80",
    "ece",
    "flag_recall",
    "flag_precision",
    "flagged_right",
    "n_images",
    "n_left_out",
]


def cutout(*, iou_crossing=0.8, well_detected=True, splice=1.0, splice_true_maps=None):
    return CutoutScore("cutout", "case", iou_crossing, 0.9, well_detected, splice, splice_true_maps)


def test_the_keys_are_those_of_the_design_and_an_empty_set_defines_none():
    metrics = summarize([], prefix="val")
    assert set(metrics) == {f"val/{key}" for key in KEYS}
    assert {key for key, value in metrics.items() if value is not None} == {"val/n_images", "val/n_left_out"}


def test_cutouts_by_hand():
    scores = [
        cutout(splice=0.95),
        cutout(splice=0.85, iou_crossing=0.6),
        cutout(splice=0.75),
        cutout(splice=0.95, well_detected=False),  # spliced by luck: it counts neither above nor below the line
        cutout(splice=0.0, iou_crossing=float("nan")),
    ]
    metrics = summarize(scores)
    assert metrics["test/iou_crossing"] == pytest.approx((0.8 + 0.6 + 0.8 + 0.8) / 4)
    assert metrics["test/iou_chromosome"] == pytest.approx(0.9)
    assert metrics["test/overlap_acc"] == 4 / 5
    assert (metrics["test/sp_acc_70"], metrics["test/sp_acc"], metrics["test/sp_acc_90"]) == (3 / 4, 2 / 4, 1 / 4)
    assert metrics["test/overall_acc"] == 4 / 5 * 2 / 4
    assert (metrics["test/n_images"], metrics["test/n_left_out"]) == (5, 1)
    assert metrics["test/sp_acc_true_maps"] is None
    json.dumps(metrics, allow_nan=False)


def test_stage_2_alone_counts_every_image():
    scores = [cutout(well_detected=False, splice_true_maps=0.95), cutout(splice_true_maps=0.6)]
    assert summarize(scores)["test/sp_acc_true_maps"] == 0.5
    assert sp_acc_true_maps(scores, 0.5) == 1


def test_none_well_detected_leaves_splicing_undefined_and_overall_zero():
    metrics = summarize([cutout(well_detected=False)])
    assert metrics["test/overlap_acc"] == 0
    assert metrics["test/sp_acc"] is None and metrics["test/overall_acc"] == 0


def test_a_set_without_instances_has_no_splicing_at_all():
    metrics = summarize([cutout(splice=None), cutout(splice=None, well_detected=False)])
    assert metrics["test/overlap_acc"] == 0.5
    assert metrics["test/sp_acc"] is None and metrics["test/overall_acc"] is None


def test_a_threshold_is_met_by_equality():
    assert sp_acc([cutout(splice=0.8)]) == 1
    assert sp_acc([cutout(splice=np.nextafter(0.8, 0))]) == 0


def test_from_maps_scores_the_two_maps():
    crossing = np.zeros((32, 32), dtype=bool)
    crossing[8:16, 8:16] = True
    chromosome = np.zeros_like(crossing)
    chromosome[8:16, :] = True
    score = CutoutScore.from_maps(
        "a",
        "c",
        pred_crossing=crossing,
        true_crossing=crossing,
        pred_chromosome=crossing,
        true_chromosome=chromosome,
    )
    assert (score.iou_crossing, score.iou_chromosome, score.well_detected) == (1, 0.25, True)
    assert score.splice is None and score.splice_true_maps is None


def cross_and_single():
    """Two bars that cross in 64 px, and one apart."""
    masks = np.zeros((3, 64, 64), dtype=bool)
    masks[0, 10:18, 2:40], masks[1, 2:40, 10:18], masks[2, 50:58, 30:60] = True, True, True
    return masks


def test_which_chromosomes_cross():
    masks = cross_and_single()
    assert crossing_instances(masks).tolist() == [True, True, False]
    masks[2, 17:19, 39:44] = True  # shares 1 px with the first: no crossing
    assert crossing_instances(masks).tolist() == [True, True, False]
    assert crossing_instances(masks[:0]).shape == (0,)


def test_instances_by_hand():
    truth = cross_and_single()
    short = truth[1].copy()
    short[2:12] = False  # 28 of 38 rows: IoU 0.74
    pred = np.stack([truth[2], short])
    metrics = summarize([], [score_instances("a", "c", pred, np.array([0.9, 0.7]), truth)])
    assert metrics["test/n_images"] == 1
    assert metrics["test/count_mae"] == 1
    assert metrics["test/recovered_80"] == pytest.approx(1 / 3)
    assert metrics["test/recall_crossing"] == 0
    assert metrics["test/mask_ap50"] == pytest.approx(67 / 101)
    assert metrics["test/mask_ap75"] == pytest.approx(34 / 101)
    assert metrics["test/box_ap50"] == pytest.approx(67 / 101)
    assert metrics["test/box_ap75"] == pytest.approx(34 / 101)
    assert metrics["test/ece"] == pytest.approx((0.1 + 0.7) / 2)


def test_nothing_found():
    truth = cross_and_single()
    metrics = summarize([], [score_instances("a", "c", truth[:0], np.zeros(0), truth)])
    assert metrics["test/mask_map"] == 0 and metrics["test/count_mae"] == 3 and metrics["test/recovered_80"] == 0
    assert metrics["test/ece"] is None


def test_nothing_there():
    truth = cross_and_single()
    metrics = summarize([], [score_instances("a", "c", truth[:1], np.ones(1), truth[:0])])
    assert metrics["test/mask_map"] is None and metrics["test/recovered_80"] is None
    assert metrics["test/count_mae"] == 1 and metrics["test/ece"] == 1


def test_calibration_error_by_hand():
    confidence = np.array([0.05, 0.05, 0.95, 0.95, 1.0])
    correct = np.array([False, True, True, True, False])
    low, high = 2 / 5 * abs(0.05 - 0.5), 3 / 5 * abs(2.9 / 3 - 2 / 3)
    assert expected_calibration_error(confidence, correct) == pytest.approx(low + high)


def test_edits_are_what_a_person_must_draw_take_out_or_draw_anew() -> None:
    ious = np.array(
        [
            [0.9, 0.0, 0.0, 0.0],  # right
            [0.0, 0.6, 0.0, 0.0],  # its outline is wrong: 1
            [0.0, 0.0, 0.3, 0.0],  # of nothing, and the third is missing: 2
            [0.0, 0.0, 0.0, 0.0],  # invented, and the fourth is missing: 2
            [0.4, 0.0, 0.0, 0.0],  # invented: 1
        ]
    )
    given = handed_out(ious)
    assert (given["recovered"].tolist(), given["count"], given["edits"]) == ([True, False, False, False], 5, 6)
    assert handed_out(np.zeros((0, 3)))["edits"] == 3 and handed_out(np.zeros((2, 0)))["edits"] == 2
    assert handed_out(np.eye(4))["edits"] == 0


def test_the_share_of_right_counts_and_the_mean_of_edits() -> None:
    masks = np.zeros((2, 20, 20), dtype=bool)
    masks[0, 2:8, 2:8], masks[1, 12:18, 12:18] = True, True
    images = [score_instances("a", "1", masks[:n], np.ones(n), masks) for n in (2, 1, 2, 0)]
    told = summarize([], images)
    assert (told["test/count_exact"], told["test/edits"]) == (0.5, 0.75)
    assert summarize([])["test/count_exact"] is None and summarize([])["test/edits"] is None


def test_flags_are_judged_by_the_wrong_they_name_and_the_right_they_spare() -> None:
    truth = np.zeros((3, 30, 30), dtype=bool)
    truth[0, 2:8, 2:8], truth[1, 12:18, 12:18], truth[2, 22:28, 22:28] = True, True, True
    found = truth.copy()
    found[2] = False
    found[2, 22:28, 2:8] = True  # invented
    flagged = np.array([True, False, True])
    images = [score_instances("a", "1", found, np.ones(3), truth, flagged)]
    assert images[0].right.tolist() == [True, True, False]
    told = summarize([], images)
    assert (told["test/flag_recall"], told["test/flag_precision"], told["test/flagged_right"]) == (1.0, 0.5, 0.5)
    missed = summarize([], [score_instances("a", "1", found, np.ones(3), truth, ~flagged)])
    assert (missed["test/flag_recall"], missed["test/flag_precision"], missed["test/flagged_right"]) == (0.0, 0.0, 0.5)
    unasked = summarize([], [score_instances("a", "1", found, np.ones(3), truth)])
    assert unasked["test/flag_recall"] is None and unasked["test/flag_precision"] is None
