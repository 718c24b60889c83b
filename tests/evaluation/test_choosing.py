"""What is fitted on validation metaphases after a training: sureness of outlines, and how stains look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from chromseg.annotations import Sample
from chromseg.arrays import F32, U8, Bool
from chromseg.config import ModelConfig
from chromseg.evaluation.judging import judge_cutout
from chromseg.evaluation.looks import choose_looks
from chromseg.evaluation.sureness import choose_sureness
from chromseg.images.absorbance import to_absorbance
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.models import build_model
from chromseg.models.package import ModelCard, read_card, save_model

STAINS = {"q": "q-band", "g": "g-band"}


def _grey(index: int, *, halo: int = 0) -> tuple[U8, Bool]:
    """Eight bars, of which two are so near that the network runs them together."""
    rng = np.random.default_rng(index)
    masks = np.zeros((8, 130, 160), dtype=bool)
    for number, mask in enumerate(masks):
        row, col = 10 + 60 * (number // 4), 10 + 36 * (number % 4) - (22 if number == 1 else 0)
        mask[row : row + int(rng.integers(36, 46)), col : col + 12] = True
    region = masks.any(axis=0)
    grey = np.where(region, 70 if index % 2 else 110, 235) + rng.normal(0, 2, region.shape)
    grey[ndimage.binary_dilation(region, iterations=2) & ~region] -= halo
    return np.rint(grey).clip(0, 255).astype(np.uint8), masks


def _sample(index: int) -> Sample:
    grey, masks = _grey(index)
    case, image = f"{'qg'[index % 2]}/{index}", to_absorbance(grey, "dark-on-light")
    return Sample.from_masks(case.replace("/", "-"), case, "val", "metaphase", image, masks)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved network that sees what is dark, and has no eye for the gap between the two."""

    def infer(self: MapPredictor, image: F32) -> F32:
        region: Bool = image > 0.25
        region[10:46, 12:34] |= True
        return np.stack([np.where(region, 0.95, 0.02), np.zeros(image.shape)]).astype(np.float32)

    monkeypatch.setattr(MapPredictor, "infer", infer)
    config = ModelConfig("unet", depth=2, width=4)
    save_model(tmp_path, build_model(config), ModelCard("v", config))
    return tmp_path


def test_what_runs_together_is_doubted_from_the_card_on(model: Path) -> None:
    sureness = choose_sureness(model, (_sample(index) for index in range(40)), STAINS)
    assert sureness is not None and read_card(model).preprocessing["sureness"]["doubtful"] == sureness.doubtful
    predictor = predictor_from_folder(model)
    found = predictor.find(_sample(99).image)
    wide = [int(mask.sum()) > 700 for mask in found.masks]
    assert sum(wide) == 1
    assert ["needs-review" in flags for flags in found.flags] == wide
    assert all(
        p is not None and (p < 0.3 if is_wide else p > 0.7) for p, is_wide in zip(found.probability, wide, strict=True)
    )


def test_a_cut_out_is_refused_by_stage_2_alone(model: Path) -> None:
    choose_sureness(model, (_sample(index) for index in range(40)), STAINS)
    predictor, sample = predictor_from_folder(model), _sample(99)
    assert any("needs-review" in flags for flags in predictor.find(sample.image).flags)
    card = read_card(model)
    alone = {key: value for key, value in card.preprocessing.items() if key != "sureness"}
    plain = replace(predictor, card=replace(card, preprocessing=alone))
    assert sample.masks is not None
    as_found = np.concatenate([sample.masks[:2].any(axis=0)[None], sample.masks[2:]])
    cluster = replace(sample, masks=as_found)
    assert judge_cutout(predictor, cluster).score.splice == judge_cutout(plain, cluster).score.splice > 0.5


def test_too_few_outlines_fit_nothing(model: Path) -> None:
    before = read_card(model)
    assert choose_sureness(model, [_sample(0)], STAINS) is None
    assert read_card(model) == before


def test_the_look_of_each_stain_is_kept_in_the_card_and_a_haloed_picture_is_strange(model: Path) -> None:
    choose_looks(model, ((STAINS["qg"[index % 2]], _sample(index).image) for index in range(60)))
    predictor = predictor_from_folder(model)
    assert set(predictor.looks) == set(STAINS.values())

    def broken(halo: int) -> set[str]:
        result = predictor.predict(_grey(61, halo=halo)[0], scale=1.0, polarity="dark-on-light")
        return {each["rule"] for each in result.validation["result"]["failures"]}

    assert "familiar" not in broken(0) and "familiar" in broken(60)
