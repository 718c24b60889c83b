"""By what seams are judged: fitted on clusters whose chromosomes are known, with what a network sees of contact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from chromseg.annotations import Sample
from chromseg.arrays import F32, Bool
from chromseg.config import ModelConfig
from chromseg.evaluation import seams
from chromseg.evaluation.seams import choose_seams, fit_seams, pixels_held
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.models import build_model
from chromseg.models.package import ModelCard, read_card, save_model
from chromseg.partition import partition_crossings
from chromseg.partition.seams import MEASURES, WITH_CONTACT


def _bars(rng: np.random.Generator) -> Bool:
    """Ten chromosomes in five groups, of which the two of a group touch tip to flank."""
    masks = np.zeros((10, 150, 260), dtype=bool)
    for group in range(5):
        left, top = 10 + 50 * group, 15 + int(rng.integers(0, 5))
        height = int(rng.integers(50, 60))
        masks[2 * group, top : top + height, left : left + 10] = True
        row = top + int(rng.integers(10, height - 20))
        masks[2 * group + 1, row : row + 10, left + 10 : left + 40] = True
    return masks


def _sample(index: int) -> Sample:
    """With pale bands, which look like seams and are none."""
    masks = _bars(np.random.default_rng(index))
    image = np.where(masks.any(axis=0), np.float32(0.6), np.float32(0.02))
    rows = np.arange(150)[:, None] // 9 % 2 == 0
    image[masks[::2].any(axis=0) & rows] = 0.28
    return Sample.from_masks(f"q-{index}", f"q/{index}", "val", "metaphase", image, masks)


def _seam(masks: Bool) -> Bool:
    grown = np.array([ndimage.binary_dilation(mask) for mask in masks])
    return np.asarray(grown.sum(axis=0) >= 2)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved network that sees what is dark, and every contact of the sample that it is shown."""
    samples = {_sample(index).image.tobytes(): _seam(_bars(np.random.default_rng(index))) for index in range(30)}

    def infer(self: MapPredictor, image: F32) -> F32:
        planes = [np.where(image > 0.25, 0.95, 0.02), np.zeros(image.shape), 0.02 + 0.9 * samples[image.tobytes()]]
        return np.stack(planes).astype(np.float32)

    monkeypatch.setattr(MapPredictor, "infer", infer)
    monkeypatch.setattr(seams, "_LEAST", 20)
    config = ModelConfig("unet", depth=2, width=4, contact=True)
    card = ModelCard("v", config, preprocessing={"postprocess": {"contact": True, "max_apart": 0.0}})
    save_model(tmp_path, build_model(config), card)
    return tmp_path


def test_what_the_network_sees_is_weighed_as_it_deserves_and_kept_in_the_card(model: Path) -> None:
    fitted = choose_seams(model, (_sample(index) for index in range(30)))
    assert fitted is not None and len(fitted.weights) == len(MEASURES) + 1
    assert fitted.weights[-1] > 0.5, "a contact that is seen parts two chromosomes"
    predictor = predictor_from_folder(model)
    assert isinstance(predictor, MapPredictor) and predictor.seams == fitted
    assert len(predictor.find(_sample(3).image).masks) == 10
    assert predictor_from_folder(model).card.preprocessing["postprocess"]["contact"] is True


def test_the_weights_decide_what_is_cut() -> None:
    sample = _sample(0)
    contact = np.where(_seam(sample.masks), np.float32(0.9), np.float32(0.02)) if sample.masks is not None else None
    never = WITH_CONTACT.__class__((0.0,) * (len(MEASURES) + 1), -9.0)
    always = WITH_CONTACT.__class__((0.0,) * len(MEASURES) + (5.0,), 0.0)
    found = [
        partition_crossings(sample.chromosome, sample.crossing, sample.image, contact=contact, seam_weights=weights)
        for weights in (never, always)
    ]
    assert [len(each.masks) for each in found] == [5, 10]


def test_without_contact_or_with_few_seams_the_card_stays(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_card(model)
    monkeypatch.setattr(seams, "_LEAST", 10_000)
    assert choose_seams(model, [_sample(0)]) is None
    config = ModelConfig("unet", depth=2, width=4)
    assert read_card(model) == before
    save_model(model, build_model(config), ModelCard("v", config))
    assert choose_seams(model, [_sample(0)]) is None


def test_the_regression_finds_what_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (4000, 2))
    y = rng.random(4000) < 1 / (1 + np.exp(-(1.5 * x[:, 0] - 0.5 * x[:, 1] - 2)))
    fitted = fit_seams(x, y)
    assert fitted.weights == (pytest.approx(1.5, abs=0.15), pytest.approx(-0.5, abs=0.1))
    assert fitted.bias == pytest.approx(-2, abs=0.3)


def test_pixels_are_counted_by_label_and_chromosome() -> None:
    labels = np.array([[1, 1, 2], [2, 0, 2]], dtype=np.int32)
    owner = np.array([[1, 2, 2], [2, 1, 0]])
    assert pixels_held(labels, 3, owner, 2).tolist() == [[0, 0], [1, 1], [0, 2]]
