"""What the stages do for networks of maps: the probability from which a pixel is chromosome."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from drawn_cells import drawn_cell
from scipy import ndimage

from chromseg.annotations import Sample
from chromseg.config import ModelConfig
from chromseg.evaluation.map_thresholds import THRESHOLDS, at_threshold, choose_map_settings, scores_with
from chromseg.evaluation.thresholds import error
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.inference.splicing import Decided, Splicer
from chromseg.metrics import InstanceScore, score_instances
from chromseg.models import build_model
from chromseg.models.package import ModelCard, read_card, save_model

RIM = 0.52  # what the network says of a rim, two pixels wide, that no annotator drew


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved network that is sure of the drawn chromosomes, and less so of a rim around them."""
    _, masks = drawn_cell()
    chromosome = masks.any(axis=0)
    wide = ndimage.binary_dilation(chromosome, np.ones((3, 3)), iterations=2)
    answer = np.stack([np.where(chromosome, 0.9, RIM * wide), 0.9 * (masks.sum(axis=0) >= 2)]).astype(np.float32)
    monkeypatch.setattr(MapPredictor, "infer", lambda self, image: answer)
    config = ModelConfig("unet", depth=2, width=4)
    kept = dataclasses.asdict(PostprocessSettings(smooth_chromosome=0.0, min_crossing=7))
    save_model(tmp_path, build_model(config), ModelCard("v", config, preprocessing={"tone": 0.4, "postprocess": kept}))
    return tmp_path


def metaphase() -> Sample:
    picture, masks = drawn_cell()
    return Sample.from_masks("a", "case", "val", "metaphase", 1 - picture / np.float32(255), masks)


def test_the_least_threshold_without_the_rim_is_kept_in_the_card(model: Path) -> None:
    settings = choose_map_settings(model, [metaphase()])
    predictor = predictor_from_folder(model)
    assert isinstance(predictor, MapPredictor) and predictor.postprocess == settings
    assert (settings.chromosome, settings.mean, settings.min_crossing) == (0.55, 0.775, 7)
    assert read_card(model).preprocessing["tone"] == 0.4


def test_of_an_unsure_network_no_more_is_asked_than_the_threshold(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    surely = MapPredictor.infer
    monkeypatch.setattr(MapPredictor, "infer", lambda self, image: surely(self, image) * np.float32(0.7))
    settings = choose_map_settings(model, [metaphase()])  # chromosomes at 0.63, the rim at 0.364
    assert (settings.chromosome, settings.mean) == (0.4, 0.4)


def test_without_instances_to_compare_with_the_card_stays(model: Path) -> None:
    before = read_card(model)
    maps_alone = dataclasses.replace(metaphase(), masks=None)
    assert choose_map_settings(model, [maps_alone]).chromosome == PostprocessSettings().chromosome
    assert choose_map_settings(model, []).chromosome == PostprocessSettings().chromosome
    assert read_card(model) == before


def test_where_nothing_matches_the_card_stays(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MapPredictor, "infer", lambda self, image: np.zeros((2, *image.shape), np.float32))
    before = read_card(model)
    assert choose_map_settings(model, [metaphase()]).chromosome == PostprocessSettings().chromosome
    assert read_card(model) == before


def test_settings_that_give_equal_maps_are_joined_once_and_score_as_alone(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor, sample = predictor_from_folder(model), metaphase()
    assert isinstance(predictor, MapPredictor)
    answer = predictor.infer(sample.image)
    tried = [at_threshold(predictor.postprocess, at) for at in (0.4, 0.45, 0.6, 0.65)]  # the rim lies between
    alone = [scores_with(predictor, answer, sample, [settings])[0] for settings in tried]
    joined: list[Decided] = []
    join = Splicer.join
    monkeypatch.setattr(Splicer, "join", lambda self, *args: joined.append(args[1]) or join(self, *args))
    together = scores_with(predictor, answer, sample, tried)
    assert len(joined) == 2 and joined[0].maps.chromosome.sum() > joined[1].maps.chromosome.sum()
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_equal(dataclasses.asdict(one), dataclasses.asdict(other))
    assert together[0].count == together[2].count and together[0].masks is not None and together[2].masks is not None
    assert together[0].masks.ious.max() < together[2].masks.ious.max() == 1


def test_the_default_threshold_goes_with_the_default_mean() -> None:
    assert at_threshold(PostprocessSettings(), 0.6) == PostprocessSettings()
    assert 0.6 in THRESHOLDS


def test_the_crossing_threshold_is_chosen_too_and_the_usual_one_stays_where_none_is_better(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose_map_settings(model, [metaphase()]).crossing == 0.4
    surely = MapPredictor.infer

    def spread_out(self: MapPredictor, image: np.ndarray) -> np.ndarray:
        """Where the network sees half a crossing along all of each chromosome that crosses."""
        answer = surely(self, image)
        answer[1] = np.where(answer[0] > 0.8, np.maximum(answer[1], 0.55), answer[1])
        return answer

    monkeypatch.setattr(MapPredictor, "infer", spread_out)
    assert choose_map_settings(model, [metaphase()]).crossing == 0.6


def test_each_dataset_weighs_the_same_however_many_pictures_it_has() -> None:
    def image(case: str, found: int, true: int) -> InstanceScore:
        masks = np.zeros((true, 8 * true, 8), dtype=bool)
        for index, mask in enumerate(masks):
            mask[8 * index : 8 * index + 6] = True
        return score_instances(case, case, masks[:found], np.ones(found), masks)

    many, few = [image("q/1", 2, 2)] * 9, [image("g/1", 0, 2)]
    assert error(many + few) == 0.5 == error([many[0], *few])
    assert error(many) == 0.0 and error([]) == 1.0
