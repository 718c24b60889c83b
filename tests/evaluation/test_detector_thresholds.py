"""What is decided about a trained detector: thresholds, boxes alone; calibration and studies."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_detector import UCRD, save_tiny

from chromseg.annotations import Sample
from chromseg.boxes import boxes_of
from chromseg.config import TrainConfig
from chromseg.errors import DataError
from chromseg.evaluation.calibration import write_calibration
from chromseg.evaluation.detections import judge_image, scores_at
from chromseg.evaluation.detector_thresholds import (
    THRESHOLDS,
    choose_settings,
    learned_masks,
    mark_boxes_only,
    settings_of,
)
from chromseg.evaluation.study import changed, study
from chromseg.evaluation.thresholds import highest_sparing
from chromseg.inference.instance_predictor import InstancePredictor, InstanceSettings
from chromseg.inference.load import predictor_from_folder
from chromseg.metrics import InstanceScore, score_instances, summarize_instances
from chromseg.models.package import read_card, write_card
from chromseg.models.ucrd_net import Detections, UCRDNet


def crossed() -> Sample:
    """Two bars that cross with 64 pixels in common, and one alone."""
    masks = np.zeros((3, 130, 140), dtype=bool)
    masks[0, 40:48, 20:70] = masks[1, 20:70, 40:48] = masks[2, 100:110, 80:110] = True
    image = (1 - 0.5 ** masks.sum(axis=0)).astype(np.float32)
    return Sample.from_masks("a", "case", "val", "metaphase", image, masks)


def boxed() -> Sample:
    sample = crossed()
    assert sample.masks is not None
    boxes = boxes_of(sample.masks).astype(np.float32)
    return Sample.from_boxes("b", "case", "val", sample.image, boxes, np.array([1, 2, 3]))


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as image:
        return image.size


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_tiny(tmp_path / "model")


def found(scores: list[float], again: tuple[float, ...] = ()) -> Detections:
    """The true boxes and masks of `crossed`, the last ones wide of the mark, with these class scores.

    After them the first chromosome, found `again` with other scores.
    """
    truth = crossed().masks
    assert truth is not None
    boxes = torch.tensor(boxes_of(truth), dtype=torch.float32)
    boxes = torch.cat([torch.cat([boxes, boxes + 40])[: len(scores)], boxes[:1].repeat(len(again), 1)])
    sure = torch.tensor([*scores, *again])
    masks = torch.ones(len(sure), 4, 4)
    every = Detections(boxes, torch.ones(len(sure), dtype=torch.int64), sure, sure, None, masks)
    return every.take(sure.argsort(descending=True, stable=True))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Class scores that the network will have given; change the list to change them."""
    scores = [0.9, 0.8, 0.7, 0.37, 0.3]
    monkeypatch.setattr(InstancePredictor, "infer", lambda self, image: found(scores))
    return scores


def test_the_threshold_parts_true_from_false_and_is_kept_in_the_card(model: Path, answers: list[float]) -> None:
    assert choose_settings(model, [crossed()]).score == pytest.approx(0.4)  # the least above 0.37
    predictor = predictor_from_folder(model)
    assert isinstance(predictor, InstancePredictor)
    assert predictor.settings.score == pytest.approx(0.4) and predictor.settings.duplicate == 0.8
    assert choose_settings(model, [boxed()]).score == pytest.approx(0.4)


def test_a_poor_outline_is_rather_handed_out_than_left_out(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way it is one edit, but handed out it is counted; what is no chromosome is not handed out for that."""
    told = found([0.9, 0.85, 0.45, 0.3])
    poor = told.boxes.clone()
    poor[2] += torch.tensor([0.0, 3.0, 0.0, 3.0])  # of ten rows seven are right
    monkeypatch.setattr(InstancePredictor, "infer", lambda self, image: told._replace(boxes=poor))
    assert choose_settings(model, [crossed()]).score == pytest.approx(0.35)


def test_the_masks_are_as_wide_as_the_truth(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask that is sure of the truth and half sure of what lies around it is cut where the truth ends."""
    truth = crossed().masks
    assert truth is not None
    wide = torch.tensor(boxes_of(truth), dtype=torch.float32) + torch.tensor([-4.0, -4.0, 4.0, 4.0])
    grids = torch.full((3, 28, 28), 0.57)
    for grid, (left, top, right, bottom) in zip(grids, wide.tolist(), strict=True):
        rows, cols = round(28 * 4 / (bottom - top)), round(28 * 4 / (right - left))
        grid[rows : 28 - rows, cols : 28 - cols] = 0.95
    sure = torch.tensor([0.9, 0.8, 0.7])
    told = Detections(wide, torch.ones(3, dtype=torch.int64), sure, sure, None, grids)
    monkeypatch.setattr(InstancePredictor, "infer", lambda self, image: told)
    choose_settings(model, [crossed()])
    assert settings_of(read_card(model)).pixel == pytest.approx(0.6)


def test_what_lies_little_above_the_threshold_is_doubted(model: Path, answers: list[float]) -> None:
    """Of three chromosomes none may be doubted."""
    answers[:] = [0.9, 0.9, 0.88, 0.37, 0.3]
    assert choose_settings(model, [crossed()]).doubtful == pytest.approx(0.85) == settings_of(read_card(model)).doubtful
    answers[:] = [0.9, 0.9, 0.58, 0.37, 0.3]
    assert choose_settings(model, [crossed()]).doubtful == pytest.approx(0.55), "it follows what the scores are"


def test_the_doubtful_are_few_in_every_dataset() -> None:
    """Of the first set nearly all matches are sure, of the second half of them from the second threshold on."""

    def scored(case: str, matches: int) -> InstanceScore:
        masks = np.eye(10, dtype=bool).reshape(10, 2, 5)
        return score_instances("a", case, masks[:matches], np.ones(matches), masks)

    one, other = (
        [scored(f"{name}/1", count) for count in counts] for name, counts in (("q", (10, 10, 9)), ("g", (10, 5, 5)))
    )
    assert highest_sparing([one], 0, 0.88) == 2
    assert highest_sparing([one, other], 0, 0.88) == 0
    assert highest_sparing([one, other], 1, 0.88) == 2, "as measured from the threshold that was chosen"


def test_the_threshold_is_judged_by_what_is_handed_out(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found twice is handed out once, so it must not raise the threshold above an unsure chromosome."""
    looks = []
    twice = found([0.9, 0.8, 0.3], again=(0.5, 0.45))
    monkeypatch.setattr(InstancePredictor, "infer", lambda self, image: looks.append(1) or twice)
    assert choose_settings(model, [crossed()]).score == pytest.approx(0.1)
    assert choose_settings(model, [boxed()]).score == pytest.approx(0.1)
    assert len(looks) == 2, "the network runs once an image"


def test_an_image_judged_at_many_thresholds_is_as_judged_at_each(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = predictor_from_folder(model)
    assert isinstance(predictor, InstancePredictor)
    twice = found([0.9, 0.6, 0.45, 0.2], again=(0.7,))
    monkeypatch.setattr(InstancePredictor, "infer", lambda self, image: twice)
    thresholds = (0.1, 0.5, 0.65)
    for threshold, score in zip(thresholds, scores_at(predictor, twice, crossed(), thresholds), strict=True):
        preprocessing = {"instances": {"score": threshold}}
        own = dataclasses.replace(predictor, card=dataclasses.replace(predictor.card, preprocessing=preprocessing))
        whole = judge_image(own, crossed())
        assert summarize_instances([score]) == summarize_instances([whole])
        assert score.count == whole.count == {0.1: 4, 0.5: 2, 0.65: 1}[threshold]


def test_without_a_match_the_threshold_stays(model: Path, answers: list[float]) -> None:
    before = (model / "model.json").read_text()
    answers[:] = []
    assert choose_settings(model, [crossed()]) == choose_settings(model, []) == InstanceSettings()
    assert (model / "model.json").read_text() == before


def test_an_image_with_boxes_only_is_judged_by_boxes(model: Path, answers: list[float]) -> None:
    score = judge_image(predictor_from_folder(model), boxed())
    assert score.masks is None and score.recovered.all()
    assert score.boxes.ious.shape == (5, 3) and score.count == 3  # all are ranked, those from 0.5 on handed out


def test_a_mask_head_that_saw_no_masks_is_told_by_the_card(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "boxes", dataclasses.replace(UCRD, nms="mask"))
    mark_boxes_only(folder)
    predictor = predictor_from_folder(folder)
    assert isinstance(predictor, InstancePredictor) and predictor.settings.boxes_only
    assert predictor.network.config.nms == "box", "masks cannot tell duplicates"
    score = judge_image(predictor, crossed())
    assert score.masks is not None and score.masks.ious.shape[1] == 3
    assert [row["value"] for row in study(predictor, [crossed()])[:3]] == ["box", "soft", 0.0]


def test_a_mask_head_knows_masks_from_its_training_or_from_where_it_was_taken(tmp_path: Path) -> None:
    blind, masked = save_tiny(tmp_path / "boxes"), save_tiny(tmp_path / "masks", chromosome_area=600.0)
    mark_boxes_only(blind)
    card = read_card(blind)

    def knows(init: Path | str = "", parts: tuple[str, ...] = (), weight: float = 0.0) -> bool:
        model = dataclasses.replace(UCRD, mask_from_boxes=weight)
        return learned_masks(card, TrainConfig(model, init=str(init), init_parts=parts))

    assert learned_masks(read_card(masked), TrainConfig(UCRD)) and not knows()
    assert knows(masked) and not knows(blind), "it goes on from one that has learned masks, or from one that has not"
    assert knows(masked, ("fpn", "mask_head")) and not knows(masked, ("backbone", "fpn"))
    assert knows(weight=1.0), "it learned them from boxes"


def test_maps_cannot_be_judged_by_boxes(make_model: Any) -> None:
    with pytest.raises(DataError, match="with boxes only"):
        judge_image(predictor_from_folder(make_model()), boxed())


def test_studies_change_lambda_and_suppression_and_nothing_else(model: Path) -> None:
    predictor = predictor_from_folder(model)
    assert isinstance(predictor, InstancePredictor)
    rows = study(predictor, [crossed()])
    assert [row["value"] for row in rows[:3]] == ["box", "soft", "mask"]
    assert [row["value"] for row in rows[3:14]] == [round(0.1 * step, 1) for step in range(11)]
    assert [row["changed"] for row in rows[14:]] == ["voting"] * 4
    damped = study(changed(predictor, {"ranking": "damped"}), [crossed()])
    assert [row["changed"] for row in damped] == ["nms"] * 3 + ["damping"] * 6 + ["voting"] * 4
    assert predictor.network.config == UCRD
    assert all(row["threshold"] in THRESHOLDS for row in rows)
    other = changed(predictor, {"correction": 1.0})
    scores = [each.infer(crossed().image) for each in (predictor, other)]
    assert torch.equal(scores[1].scores, scores[1].class_scores)  # λ = 1 is the class score
    assert not torch.equal(scores[0].scores, scores[0].class_scores)
    plain = changed(predictor, {"uncertainty": False})
    assert [row["changed"] for row in study(plain, [crossed()])] == ["nms"] * 3
    assert study(predictor, []) == []


@pytest.mark.parametrize("half_turn", [False, True])
def test_a_study_gives_what_the_changed_network_gives_by_itself(
    model: Path, half_turn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the picture is looked at once."""
    write_card(model, dataclasses.replace(read_card(model), preprocessing={"half_turn": half_turn}))
    predictor = predictor_from_folder(model)
    assert isinstance(predictor, InstancePredictor)
    alone = {}
    for kind in ("box", "soft", "mask"):
        other = changed(predictor, {"nms": kind, "score_min": 0.0})
        each = scores_at(other, other.infer(crossed().image), crossed(), THRESHOLDS)
        alone[kind] = {at: summarize_instances([score]) for at, score in zip(THRESHOLDS, each, strict=True)}
    looks, look = [], UCRDNet.look
    monkeypatch.setattr(UCRDNet, "look", lambda *args, **kwargs: looks.append(1) or look(*args, **kwargs))
    rows = study(changed(predictor, {"score_min": 0.0}), [crossed(), crossed()])
    assert len(looks) == 2, "once an image"
    assert len({row["ece"] for row in rows[:3]}) == 3
    for row in rows[:3]:
        own = alone[row["value"]][row["threshold"]]
        metrics = {key: value for key, value in row.items() if key in own}
        assert metrics == pytest.approx({key: own[key] for key in metrics})


def test_calibration_leaves_a_table_and_a_picture(tmp_path: Path) -> None:
    truth = crossed().masks
    assert truth is not None
    write_calibration(tmp_path, [score_instances("a", "case", truth, np.array([0.95, 0.92, 0.31]), truth)])
    rows = list(csv.DictReader((tmp_path / "reliability.csv").read_text().splitlines()))
    assert [(row["n"], float(row["correct"])) for row in rows] == [("1", 1.0), ("2", 1.0)]
    assert size_of(tmp_path / "reliability.png")[0] > 100
    write_calibration(tmp_path, [])
    assert (tmp_path / "reliability.csv").read_text().strip() == "name"
