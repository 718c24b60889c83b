"""A model that sees finer than it answers is judged, timed and shown like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chromseg.annotations import Sample
from chromseg.arrays import F32
from chromseg.config import ModelConfig
from chromseg.evaluation.gallery import draw_gallery
from chromseg.evaluation.measuring import judge_samples
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.models import build_model
from chromseg.models.package import ModelCard, save_model


def _sample(kind: str) -> Sample:
    """A cross of two chromosomes on removed ground, twice as fine as the answer."""
    masks = np.zeros((2, 200, 200), dtype=bool)
    masks[0, 90:112, 20:180], masks[1, 20:180, 90:112] = True, True
    image = (0.4 * masks.sum(axis=0)).astype(np.float32)
    return Sample.from_masks(f"q-{kind}", "q/1", "test", kind, image, masks)  # type: ignore[arg-type]


def test_scores_times_and_pictures_of_a_network_that_sees_finer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def infer(self: MapPredictor, image: F32) -> F32:
        seen.append(image.shape)
        coarse = image[::2, ::2]
        return np.stack([np.where(coarse > 0.2, 0.95, 0.02), np.where(coarse > 0.6, 0.95, 0.02)]).astype(np.float32)

    monkeypatch.setattr(MapPredictor, "infer", infer)
    config = ModelConfig("unet", depth=2, width=4, fine=2)
    save_model(tmp_path / "model", build_model(config), ModelCard("v", config))
    judged = judge_samples(
        predictor_from_folder(tmp_path / "model"), [_sample("cutout")], [_sample("metaphase")], {"q": "q-band"}
    )
    assert judged is not None and set(seen) == {(200, 200)}, "timed as it is used"
    assert judged.metrics["test/overall_acc"] == 1.0 and judged.metrics["test/recall_crossing"] == 1.0
    assert judged.slices["test/slice/stain/q-band/n_metaphases"] == 1
    draw_gallery(tmp_path / "gallery.png", "good", judged.cases)
    assert (tmp_path / "gallery.png").stat().st_size > 0
