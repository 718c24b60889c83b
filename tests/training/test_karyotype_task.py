"""The network of the karyogram in the loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chromseg.annotations import Sample
from chromseg.config import AugmentConfig, KaryotypeConfig, OptimConfig, Share, TrainConfig
from chromseg.errors import DataError
from chromseg.karyogram.cell import STRIP
from chromseg.models.karyotype import KaryotypeNetwork
from chromseg.models.package import load_model
from chromseg.training.karyotype_task import KaryotypeTask, StripSet, shown, strip_warp
from chromseg.training.loop import fit

MODEL = KaryotypeConfig("karyotype", width=4, blocks=1, dropout=0.0)


def two_lengths(name: str = "a") -> Sample:
    """Long and short bars, classes 1 and 21, with a dark end each."""
    masks = np.zeros((6, 160, 160), dtype=bool)
    for index in range(6):
        masks[index, 10 : 10 + (80 if index % 2 else 30), 20 * index + 10 : 20 * index + 19] = True
    image = np.where(masks.any(axis=0), 0.4, 0).astype(np.float32)
    image[10:22] *= 2
    sample = Sample.from_masks(name, f"set/{name}", "train", "metaphase", image, masks)
    return replace(sample, labels=np.array([21, 1, 21, 1, 21, 1]))


def config(epochs: int = 1, augment: AugmentConfig | None = None, **optim: Any) -> TrainConfig:
    values = {"optimizer": "adamw", "lr": 1e-2, "epochs": epochs, "steps_per_epoch": 10, "batch_size": 6, "patience": 0}
    return TrainConfig(
        MODEL,
        samples=("metaphase",),
        augment=augment or AugmentConfig(rotation=5.0, scale=0.05, intensity=0.3),
        optim=OptimConfig(**(values | optim)),
    )


def test_items_depend_on_seed_epoch_and_index_alone() -> None:
    sets = [StripSet([two_lengths()], config(), seed=1) for _ in range(2)]
    sets[1][3]
    first, second = (each[2] for each in sets)
    assert all(torch.equal(first[name], second[name]) for name in first)
    sets[0].set_epoch(1)
    assert not torch.equal(sets[0][2]["image"], first["image"])


def test_the_end_told_is_that_which_is_shown() -> None:
    """Without other changes an item is the strip or its turned copy, and `end` says which."""
    made = StripSet([two_lengths()], config(augment=AugmentConfig(rotation=0.0, flip=True)), seed=0)
    calm = StripSet([two_lengths()], config(augment=AugmentConfig(rotation=0.0, flip=False)), seed=0)
    seen = set()
    for index in range(len(made)):
        item, own = made[index], calm[index]
        assert item["label"] == own["label"]
        turned = bool(item["end"] != own["end"])
        wanted = own["image"].flip(1) if turned else own["image"]
        assert min(float((item["image"] - look).abs().mean()) for look in (wanted, wanted.flip(2))) < 0.01
        seen.add(turned)
    assert seen == {True, False}


def test_datasets_get_their_shares_of_the_items() -> None:
    """Of two sets of which one has other classes, that one has three items in four."""
    few, many = two_lengths("a"), replace(two_lengths("b"), case_id="other/b", labels=np.full(6, 2))
    shares = (Share("set", 0.75), Share("other", 0.25))
    made = StripSet([few, many], replace(config(steps_per_epoch=100), shares=shares), seed=0)
    assert np.mean([int(made[index]["label"]) != 1 for index in range(400)]) == pytest.approx(0.75, abs=0.06)
    with pytest.raises(DataError, match="no training samples of `third`"):
        StripSet([few], replace(config(), shares=(Share("third", 1.0),)), seed=0)


def test_a_zoomed_strip_tells_its_new_size() -> None:
    rng = np.random.default_rng(0)
    matrix = strip_warp(rng, AugmentConfig(rotation=0.0, flip=False, scale=0.2))
    strip = np.zeros((2, *STRIP), dtype=np.uint8)
    strip[:, 34:94, 10:22] = 255
    rows = (shown(strip, matrix)[1] > 0.5).any(axis=1).sum()
    assert rows == pytest.approx(60 / matrix[0, 0], abs=2)


def test_fit_learns_lengths_and_leaves_a_model(tmp_path: Path) -> None:
    result = fit(config(epochs=6), [two_lengths()], [two_lengths("b")], tmp_path / "model", seed=0)
    assert result.metrics["val/accuracy"] == 1.0
    network, card = load_model(tmp_path / "model", KaryotypeNetwork)
    assert card.architecture == MODEL and isinstance(network, KaryotypeNetwork)


def test_only_chromosomes_of_known_outline_judge() -> None:
    task, sample = KaryotypeTask(), two_lengths()
    kept = task.kept(sample)
    torch.manual_seed(0)
    network = KaryotypeNetwork(MODEL).eval()
    half = replace(kept, clean=np.array([True, False, True, False, False, False]))
    assert len(task.judge(network, kept, config(), torch.device("cpu"))) == 6
    assert len(task.judge(network, half, config(), torch.device("cpu"))) == 2
    assert task.summarize([np.array([True, False])]) == {"val/accuracy": 0.5}
    assert task.summarize([]) == {"val/accuracy": None}


def test_validation_without_known_outlines_is_refused() -> None:
    kept = replace(KaryotypeTask().kept(two_lengths()), clean=np.zeros(6, dtype=bool))
    with pytest.raises(DataError, match="none with a chromosome whose outline is known"):
        KaryotypeTask().check(config(), [kept])


def test_no_chromosomes_are_refused() -> None:
    with pytest.raises(DataError, match="no chromosomes"):
        StripSet([], config(), seed=0)
