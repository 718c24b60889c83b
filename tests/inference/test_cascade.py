"""Two witnesses of one drawn cell: the maps are a threshold, the detector says what the test has set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_cells import WIDTH, drawn_cascade, drawn_cell, recalling_predictor

from chromseg.annotations import Sample
from chromseg.evaluation.judging import judge_metaphase
from chromseg.inference.cascade import fit_to_map
from chromseg.inference.choice import Debate, agreement, alike, usual
from chromseg.inference.found import Found
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.metrics import mask_ious
from chromseg.models.cascade import CascadeRule


def found_masks(told: np.ndarray, picture: np.ndarray, **options: list[float] | None) -> tuple[np.ndarray, list]:
    result = drawn_cascade(told, **options).predict(picture)
    return np.array([instance.mask for instance in result.instances]).reshape(-1, *picture.shape), result.instances


def test_where_both_agree_every_chromosome_comes_out_once() -> None:
    picture, masks = drawn_cell()
    found, instances = found_masks(masks, picture, uncertainty=[0.1, 0.2, 0.3, 0.4])
    assert len(found) == 4 and mask_ious(found, masks).max(axis=1).min() > 0.9
    assert all(instance.score > 0.85 and instance.flags == () for instance in instances)
    assert [instance.uncertainty for instance in instances] == pytest.approx([0.2, 0.1, 0.3, 0.4])


def test_a_chromosome_that_the_detector_missed_is_kept_with_a_lower_score() -> None:
    picture, masks = drawn_cell()
    found, instances = found_masks(masks[:3], picture)
    assert len(found) == 4
    alone = int(mask_ious(found, masks[3:]).argmax())
    assert instances[alone].score < 0.6 and instances[alone].uncertainty is None
    assert min(instance.score for index, instance in enumerate(instances) if index != alone) > 0.85


def test_a_pale_chromosome_that_the_maps_missed_is_kept() -> None:
    picture, masks = drawn_cell()
    pale = np.zeros_like(masks[:1])
    pale[0, 150:161, 110:170] = True
    picture = np.where(pale[0], 175, picture).astype(np.uint8)
    found, _ = found_masks(np.concatenate([masks, pale]), picture)
    assert len(found) == 5 and mask_ious(found, pale).max() > 0.9


@pytest.mark.parametrize(("least", "count"), [(None, 4), (0.4, 5)], ids=["the detector's own threshold", "a lower one"])
def test_a_detection_that_alone_is_not_sure_enough_may_be_listened_to(least: float | None, count: int) -> None:
    picture, masks = drawn_cell()
    cascade = drawn_cascade(np.concatenate([masks, masks[:1]]), scores=[0.95] * 4 + [0.45])
    listening = replace(cascade, rule=CascadeRule(least=least), detector=_keeping_duplicates(cascade.detector))
    absorbance = np.asarray(1 - picture / np.float32(255), dtype=np.float32)
    _, heard = listening.detect(absorbance)
    assert len(heard.masks) == count


def _keeping_duplicates(detector: InstancePredictor) -> InstancePredictor:
    preprocessing = {**detector.card.preprocessing, "instances": {"duplicate": 2.0}}
    return replace(detector, card=replace(detector.card, preprocessing=preprocessing))


def test_a_detector_that_takes_two_for_one_is_overruled() -> None:
    picture, masks = drawn_cell()
    fused = np.concatenate([(masks[0] | masks[1])[None], masks[2:]])
    found, _ = found_masks(fused, picture)
    assert len(found) == 4 and mask_ious(found, masks).max(axis=1).min() > 0.85


def test_two_that_touch_are_parted_as_the_detector_saw_them() -> None:
    _, masks = drawn_cell()
    touching = np.zeros_like(masks[:2])
    touching[0, 120:131, 100:150] = touching[1, 120:131, 150:190] = True  # end to end: nothing in the maps shows it
    masks = np.concatenate([masks[:3], touching])
    noise = np.random.default_rng(0).normal(0, 2, masks.shape[1:])
    picture = np.clip(np.choose(masks.sum(axis=0), [220, 120, 40]) + noise, 0, 255).astype(np.uint8)
    found, _ = found_masks(masks, picture)
    assert len(found) == 5 and mask_ious(found, masks).max(axis=1).min() > 0.85


def test_nothing_seen_is_nothing_found() -> None:
    found = drawn_cascade(np.zeros((0, 64, 64), bool)).find(np.zeros((64, 64), np.float32))
    assert found.masks.shape == (0, 64, 64) and found.scores == ()


def test_unsure_detections_count_for_average_precision_only() -> None:
    picture, masks = drawn_cell()
    ghost = np.zeros_like(masks[:1])
    ghost[0, 160:170, 110:140] = True
    image = (255 - picture).astype(np.float32) / 255
    sample = Sample.from_masks("cell", "drawn/1", "test", "metaphase", np.where(image < 0.2, 0, image), masks)
    judged = judge_metaphase(drawn_cascade(np.concatenate([masks, ghost]), scores=[0.9] * 4 + [0.2]), sample)
    assert judged.count == 4 and judged.recovered.all()
    assert judged.masks is not None and judged.masks.scores.size == 5 and judged.masks.scores.min() < 0.15


def test_agreement_by_hand() -> None:
    masks = np.zeros((2, 4, 10), bool)
    masks[0, :, :4] = masks[1, :, 6:] = True
    halves = masks.copy()
    halves[0, :, 2:] = False  # IoU 0.5
    belief = np.array([1.0, 0.8])
    assert agreement(mask_ious(masks, masks), np.ones(2)) == 1
    assert agreement(mask_ious(halves, masks), belief) == pytest.approx(2 * (0.5 * 1 + 1 * 0.8) / (2 + 1.8))
    assert agreement(mask_ious(masks[:1], masks), belief) == pytest.approx((1 + 1 + 0) / (1 + 1.8))
    assert agreement(np.zeros((0, 2)), belief) == agreement(np.zeros((2, 0)), belief[:0]) == 0
    assert agreement(np.zeros((0, 0)), belief[:0]) == 1


def test_usual_sizes_are_likelier() -> None:
    assert usual(np.array([50.0, 50.0]), 50, 0.6) == 0
    assert usual(np.array([50 * np.exp(0.6)]), 50, 0.6) == pytest.approx(-0.5)
    assert usual(np.array([50_000.0]), 50, 0.6) == pytest.approx(-4.5), "not beyond three standard deviations"
    assert usual(np.zeros(0), 50, 0.6) == 0


def test_groups_are_as_small_as_the_quarrel() -> None:
    _, masks = drawn_cell()

    def told(some: np.ndarray) -> Found:
        return Found(some, (1.0,) * len(some), ((),) * len(some), (None,) * len(some))

    fused = np.concatenate([(masks[0] | masks[1])[None], masks[2:3]])
    chromosome = np.where(masks.any(axis=0), 0.9, 0.1).astype(np.float32)
    crossing = np.where(masks.sum(axis=0) > 1, 0.9, 0.1).astype(np.float32)
    groups = Debate((told(masks), told(fused)), chromosome, crossing).groups(CascadeRule())
    assert sorted(group.members for group in groups) == [([0, 1], [0]), ([2], [1]), ([3], [])]
    cross = next(group for group in groups if group.members == ([0, 1], [0]))
    depth = masks[:2].sum(axis=0)[masks[:2].any(axis=0)]
    likely = np.where(depth == 2, 0.9 * 0.9, 0.9 * 0.9)  # crossing where it is, none where it is not
    assert cross.evidence[0, 0] == pytest.approx(np.log(likely).mean(), rel=1e-5)
    assert cross.evidence[1, 0] < cross.evidence[0, 0], "one mask does not explain the crossing"
    assert cross.probabilities(CascadeRule()).sum() == pytest.approx(1)


def test_alike_means_one_by_one() -> None:
    assert alike(np.array([[0.1, 0.9], [0.8, 0.2]]), 0.8) and alike(np.zeros((0, 0)), 0.8)
    assert not alike(np.array([[0.1, 0.9], [0.7, 0.2]]), 0.8)
    assert not alike(np.array([[0.9], [0.9]]), 0.8)


def test_detected_masks_take_the_outline_of_the_map() -> None:
    chromosome = np.zeros((40, 60), bool)
    chromosome[10:20, 10:50] = True
    masks = np.zeros((3, 40, 60), bool)
    masks[0, 8:19, 12:30] = True  # two rows over the edge, a row and two columns short
    masks[1, 10:20, 30:50] = True
    masks[2, 30:36, 10:20] = True  # the map knows nothing of it
    fitted = fit_to_map(masks, chromosome, reach=3)
    expected = np.zeros((40, 60), bool)
    expected[10:20, 10:30] = True
    np.testing.assert_array_equal(fitted[0], expected)
    np.testing.assert_array_equal(fitted[1:], masks[1:])
    assert fit_to_map(masks[:0], chromosome, reach=3).shape == (0, 40, 60)


def test_a_detector_of_another_scale_sees_the_picture_at_its_own() -> None:
    from dataclasses import replace

    picture, masks = drawn_cell()
    cascade = drawn_cascade(masks)
    detector = recalling_predictor(masks)
    detector = replace(detector, card=replace(detector.card, chromosome_width=22.0))
    result = replace(cascade, detector=detector).predict(picture)
    found = np.array([instance.mask for instance in result.instances])
    assert len(found) == 4 and mask_ious(found, masks).max(axis=1).min() > 0.85


@pytest.mark.parametrize(("scaled", "side"), [(True, 180), (False, 200)])
def test_a_detector_trained_at_one_width_sees_the_picture_at_that_width(
    scaled: bool, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, masks = drawn_cell()
    cascade = drawn_cascade(masks)
    card = replace(cascade.detector.card, chromosome_width=0.9 * WIDTH, preprocessing={"scaled": scaled})
    sides: list[int] = []
    look = InstancePredictor.infer
    monkeypatch.setattr(InstancePredictor, "infer", lambda own, image: (sides.append(len(image)), look(own, image))[1])
    replace(cascade, detector=replace(cascade.detector, card=card)).predict(picture)
    assert sides == [side]
