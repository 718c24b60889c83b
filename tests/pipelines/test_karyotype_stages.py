"""Stages `karyotype` and `karyogram` on tiny cells: a model, a run, and what it scores."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, read_dataset, write_dataset
from chromseg.annotations.rasterize import encode_rle
from chromseg.config import KaryotypeConfig
from chromseg.errors import DataError
from chromseg.karyogram.classes import CLASSES
from chromseg.metrics.catalogue import NAMING
from chromseg.models.karyotype import KaryotypeNetwork
from chromseg.models.package import ModelCard, load_model
from chromseg.registry.card.sections import model_card
from chromseg.registry.store.store import open_store
from pipelines import bundle, karyogram, karyotype, prepare

PARAMS: dict[str, Any] = {
    "prepare": {"datasets": ["cells"], "kinds": ["metaphase"], "cutout_size": 64},
    "karyotype": {
        "base": {
            "samples": ["metaphase"],
            "model": {"architecture": "karyotype", "width": 4, "blocks": 1},
            "optim": {"epochs": 1, "steps_per_epoch": 2, "batch_size": 4, "patience": 0},
        },
        "variants": {"strips": {"ablation": "tiny"}},
    },
    "karyogram": {"cut_by": "none", "cut": 0, "prices": [1.0, 4.0], "sure": [0.9]},
    "evaluate": {"dataset": "cells", "experiment": "karyotype"},
}


def write_cells(root: Path, categories: dict[int, str]) -> None:
    """Three pictures, one a split, of four bars of four classes each."""
    card = DatasetCard("cells", "dapi", "light-on-dark", "drawn", "MIT", "none", "test", "1")
    images = tuple(
        ImageRecord(number, f"{number}.png", 120, 100, str(number), split)
        for number, split in enumerate(("train", "val", "test"), start=1)
    )
    masks = np.zeros((4, 100, 120), dtype=bool)
    for index in range(4):
        masks[index, 10 : 40 + 12 * index, 10 + 25 * index : 20 + 25 * index] = True
    instances = tuple(
        InstanceRecord(10 * image.id + index, image.id, index + 1, encode_rle(mask), (0.0, 0.0, 9.0, 9.0), 300.0)
        for image in images
        for index, mask in enumerate(masks)
    )
    dataset = Dataset(root / "cells", card, images, instances, categories)
    pixels = {image.id: _pixels(masks, image.id) for image in images}
    write_dataset(dataset, pixels)


def _pixels(masks: np.ndarray, seed: int) -> np.ndarray:
    grain = np.random.default_rng(seed).integers(0, 60, masks.shape[1:])
    return (np.where(masks.any(axis=0), 150, 10) + grain).astype(np.uint8)


@pytest.fixture
def cells(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with prepared cells, about to train."""
    write_cells(store / "data", dict(enumerate(CLASSES, start=1)))
    (store / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    monkeypatch.setattr(sys, "argv", ["prepare"])
    prepare.main()
    monkeypatch.setattr(sys, "argv", ["karyotype", "--variant", "strips"])
    return store


def test_the_stages_leave_a_model_a_run_and_scores(cells: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    karyotype.main()
    _, card = load_model(cells / "models/strips-0", KaryotypeNetwork)
    assert card.stain == "dapi" and card.seen is not None
    monkeypatch.setattr(karyogram, "cut", lambda part, config: iter(()))
    karyogram.main()
    folder = cells / "reports/default/scores/strips-0"
    scores = json.loads((folder / "metrics.json").read_text())
    report = json.loads((folder / "karyogram.json").read_text())
    assert report["test"]["cells"]["chromosomes"] == 4 and report["test"]["cells"]["cells"] == 1
    assert set(report["val"]["cells"]["placed_by_price"]) == {"1", "4"}
    assert set(scores["metrics"]) == {metric.key for metric in NAMING}
    assert scores["slices"]["test/slice/stain/dapi/class_acc"] == scores["metrics"]["test/class_acc"]
    client = open_store()
    experiment = client.get_experiment_by_name("karyotype")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["test/class_acc"] == scores["metrics"]["test/class_acc"]


def test_a_judged_model_can_be_bundled(cells: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    karyotype.main()
    monkeypatch.setattr(karyogram, "cut", lambda part, config: iter(()))
    karyogram.main()
    bundle.main()
    folder = cells / "bundled/karyotype"
    assert sorted(path.name for path in folder.iterdir()) == ["MODEL_CARD.md", "model.json", "model.safetensors"]
    _, card = load_model(folder, KaryotypeNetwork)
    text = (folder / "MODEL_CARD.md").read_text()
    assert "test/class_acc" in card.metrics and "chromosomes named right, in their places" in text
    assert "| dapi |" in text and "crossing IoU" not in text


def test_a_dataset_of_other_classes_is_refused(store: Path) -> None:
    write_cells(store / "data", {1: "A1", 2: "2", 3: "3", 4: "B4"})
    with pytest.raises(DataError, match=r"4 classes, the first of another name: none.*1 to 22, X and Y"):
        karyotype.check_classes(read_dataset(store / "data/cells"))


def test_groups_before_the_number_are_read_over(tmp_path: Path) -> None:
    groups = {number: f"G{name}" if name.isdigit() else name for number, name in enumerate(CLASSES, start=1)}
    write_cells(tmp_path, groups)
    karyotype.check_classes(read_dataset(tmp_path / "cells"))


def test_a_card_of_a_model_that_nobody_judged_says_so() -> None:
    text = model_card(ModelCard("strips", KaryotypeConfig("karyotype"), stain="dapi"), [], {}, 1, "random")
    assert "Not measured: the model has not been judged stain by stain" in text
