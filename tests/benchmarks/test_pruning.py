"""Pruning measured: each level of a network that was trained with deep supervision is judged as its own network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from benchmarks.pruning import judge_levels, levels_of
from chromseg.annotations import Sample
from chromseg.config import ModelConfig
from chromseg.errors import ModelError
from chromseg.inference.load import predictor_from_folder
from chromseg.models import build_model
from chromseg.models.package import ModelCard, save_model

CONFIG = ModelConfig(architecture="region-guided-unetpp", depth=3, width=4, deep_supervision=True)


def saved(folder: Path, config: ModelConfig) -> Path:
    torch.manual_seed(0)
    save_model(folder, build_model(config), ModelCard("drawn", config))
    return folder


def crossing(kind: Literal["cutout", "metaphase"]) -> Sample:
    masks = np.zeros((2, 64, 64), dtype=bool)
    masks[0, 28:36, 8:56] = masks[1, 8:56, 28:36] = True
    image = np.where(masks.any(axis=0), np.float32(0.5), np.float32(0))
    return Sample.from_masks("a", "drawn/1", "val", kind, image, masks)


def test_each_level_is_a_smaller_network_with_figures_of_its_own(tmp_path: Path) -> None:
    folder = saved(tmp_path / "deep", CONFIG)
    rows = judge_levels(folder, [crossing("cutout"), crossing("metaphase")], {"drawn": "synthetic"})
    assert list(rows) == [1, 2, 3]
    weights = [row["weights"] for row in rows.values()]
    assert weights == sorted(set(weights))
    assert all(row["test/iou_crossing"] is not None and row["test/edits"] is not None for row in rows.values())
    assert all(row["perf/infer_ms_per_image"] > 0 for row in rows.values())


def test_the_last_level_is_the_network_itself(tmp_path: Path) -> None:
    folder = saved(tmp_path / "deep", CONFIG)
    image = crossing("metaphase").image
    levels = dict(levels_of(folder))
    assert levels[3].card.architecture == CONFIG
    assert np.array_equal(levels[3].infer(image), predictor_from_folder(folder).infer(image))
    assert not np.array_equal(levels[1].infer(image), levels[3].infer(image))


def test_without_deep_supervision_there_is_nothing_to_prune(tmp_path: Path) -> None:
    folder = saved(tmp_path / "plain", replace(CONFIG, deep_supervision=False))
    with pytest.raises(ModelError, match="deep supervision"):
        list(levels_of(folder))
