"""A detector's answers as chromosomes: thresholds, duplicates, sizes; the detector recalls what the test has set."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from drawn_cells import RecallingNetwork, drawn_cell, recalling_predictor, threshold_predictor

from chromseg.annotations import Sample
from chromseg.evaluation.judging import judge_cutout, judge_metaphase
from chromseg.inference.instance_predictor import without_duplicates
from chromseg.metrics import mask_ious, summarize_instances


def test_every_chromosome_comes_out_with_its_uncertainty() -> None:
    picture, masks = drawn_cell()
    result = recalling_predictor(masks, uncertainty=[0.1, 0.2, 0.3, 0.4]).predict(picture)
    assert [instance.uncertainty for instance in result.instances] == pytest.approx([0.2, 0.1, 0.3, 0.4])
    found = np.array([instance.mask for instance in result.instances])
    assert mask_ious(found, masks).max(axis=1).min() > 0.9
    assert (found[0] & found[1]).sum() >= 80, "the crossing belongs to both"
    assert [instance.score for instance in result.instances] == pytest.approx([0.95] * 4)


def test_a_picture_of_another_scale_gets_masks_of_its_own_size() -> None:
    picture, masks = drawn_cell()
    result = recalling_predictor(masks).predict(np.kron(picture, np.ones((2, 2), np.uint8)))
    assert result.scale == pytest.approx(0.5, rel=0.25)
    found = np.array([instance.mask for instance in result.instances])
    assert found.shape == (4, 400, 400)
    assert mask_ious(found, np.kron(masks, np.ones((1, 2, 2), bool)) > 0).max(axis=1).min() > 0.85


@pytest.mark.parametrize(("tone", "same"), [(0.0, False), (0.4, True)])
def test_with_a_tone_pale_and_dark_pictures_are_one_to_the_network(tone: float, same: bool) -> None:
    predictor = recalling_predictor(drawn_cell()[1])
    toned = dataclasses.replace(predictor, card=dataclasses.replace(predictor.card, preprocessing={"tone": tone}))
    dark = np.zeros((40, 60), np.float32)
    dark[10:18, 5:50] = 0.6
    assert torch.allclose(toned.for_network(dark), toned.for_network(dark / 2), atol=1e-6) == same


def test_a_picture_is_seen_turned_if_the_card_says_so_and_it_is_not_large() -> None:
    plain = recalling_predictor(drawn_cell()[1])
    both = dataclasses.replace(plain, card=dataclasses.replace(plain.card, preprocessing={"half_turn": True}))
    for predictor, rows, turned in ((plain, 100, False), (both, 1870, True), (both, 1880, False)):
        predictor.infer(np.full((rows, 2000), 0.4, np.float32))
        assert isinstance(predictor.network, RecallingNetwork)
        assert predictor.network.turned == turned


def test_unsure_ones_are_flagged_and_very_unsure_ones_left_out() -> None:
    picture, masks = drawn_cell()
    result = recalling_predictor(masks, scores=[0.95, 0.3, 0.6, 0.95]).predict(picture)
    assert [instance.flags for instance in result.instances] == [(), ("needs-review",), ()]
    assert [instance.uncertainty for instance in result.instances] == [None] * 3


def test_what_is_found_twice_is_one() -> None:
    picture, masks = drawn_cell()
    half = masks[:1].copy()
    half[:, :, 60:] = False
    told = np.concatenate([masks, masks[:1], half])
    result = recalling_predictor(told, scores=[0.9, 0.9, 0.9, 0.9, 0.8, 0.95]).predict(picture)
    assert len(result.instances) == 4


def test_a_detector_that_has_learned_boxes_alone_hands_out_boxes_and_says_so() -> None:
    picture, _ = drawn_cell()
    slanted = np.zeros((2, 200, 200), dtype=bool)
    slanted[0, 60:130, 60:130] = np.eye(70, dtype=bool)
    slanted[1, 110:120, 70:80] = True  # beside it, and within its box
    predictor = recalling_predictor(slanted)
    card = dataclasses.replace(predictor.card, preprocessing={"instances": {"boxes_only": True}})
    result = dataclasses.replace(predictor, card=card).predict(picture, scale=1.0)
    assert [instance.bbox for instance in result.instances] == [(60, 60, 130, 130), (70, 110, 80, 120)]
    assert all(instance.mask.sum() == area for instance, area in zip(result.instances, (4900, 100), strict=True))
    assert [instance.flags for instance in result.instances] == [("box-only",)] * 2


def test_nothing_found_is_an_answer() -> None:
    picture, masks = drawn_cell()
    result = recalling_predictor(masks[:0]).predict(picture)
    assert result.instances == () and result.validation["result"]["failures"]


def test_average_precision_sees_unsure_detections_and_the_count_does_not() -> None:
    picture, masks = drawn_cell()
    image = (255 - picture).astype(np.float32) / 255
    sample = Sample.from_masks("cell", "drawn/1", "test", "metaphase", image, masks)
    judged = judge_metaphase(recalling_predictor(masks, scores=[0.95, 0.3, 0.95, 0.95]), sample)
    assert judged.masks is not None and judged.masks.ious.shape == (4, 4)
    assert judged.count == 3 and judged.recovered.tolist() == [True, False, True, True]


def test_a_cut_out_is_judged_by_where_instances_overlap() -> None:
    picture, masks = drawn_cell()
    image = (255 - picture).astype(np.float32) / 255
    sample = Sample.from_masks("cell", "drawn/1", "test", "cutout", image, masks)
    case = judge_cutout(recalling_predictor(masks), sample)
    assert case.score.iou_crossing > 0.8 and case.score.well_detected
    assert case.score.splice is not None and case.score.splice > 0.9
    assert case.score.splice_true_maps is None, "there is no stage 2"


def test_crossing_masks_are_no_duplicates() -> None:
    _, masks = drawn_cell()
    assert without_duplicates(masks, 0.8) == [0, 1, 2, 3]
    assert without_duplicates(np.concatenate([masks, masks[1:2], masks[:1] & masks[1:2]]), 0.8) == [0, 1, 2, 3]
    assert without_duplicates(masks[:0], 0.8) == []


def test_a_detectors_own_boxes_are_judged_beside_those_around_its_masks() -> None:
    """Its masks fill half of their boxes, which are right."""
    picture, masks = drawn_cell()
    detector = recalling_predictor(masks)
    detections = detector.network.detect([torch.zeros(1, *picture.shape)])[0]
    grids = detections.roi_masks.clone()
    grids[:, 14:] = 0
    detector.network.detect = lambda images, **_: [detections._replace(roi_masks=grids)]  # type: ignore[method-assign]
    sample = Sample.from_masks("a", "drawn/1", "test", "metaphase", (255 - picture) / np.float32(255), masks)
    metrics = summarize_instances([judge_metaphase(detector, sample)])
    assert metrics["own_box_map"] == metrics["own_box_ap50"] == 1.0
    assert metrics["box_map"] is not None and metrics["box_map"] < 0.3
    assert summarize_instances([judge_metaphase(threshold_predictor(), sample)])["own_box_map"] is None
