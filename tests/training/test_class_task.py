"""Pre-training: single chromosomes and their classes in the loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chromseg.annotations import Sample
from chromseg.config import AugmentConfig, ClassifierConfig, OptimConfig, TrainConfig
from chromseg.errors import DataError
from chromseg.models.classifier import Classifier
from chromseg.models.package import load_model
from chromseg.models.ucrd_net import Backbone
from chromseg.models.ucrd_net.weights import load_backbone_weights, save_backbone
from chromseg.training.class_task import ClassTask, PatchSet, centred, classify, patches_of
from chromseg.training.loop import fit

MODEL = ClassifierConfig("classifier", backbone="efficientnet-lite0", deepest=2, classes=2)


def two_kinds(name: str) -> Sample:
    """Bright and dark squares, classes 1 and 2, one at the edge."""
    image = np.zeros((64, 64), dtype=np.float32)
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30], [40, 4, 50, 14], [40, 40, 50, 50]], dtype=np.float32)
    labels = np.array([1, 2, 1, 2])
    for (x0, y0, x1, y1), label in zip(boxes.astype(int), labels, strict=True):
        image[y0:y1, x0:x1] = 0.9 if label == 1 else 0.3
    return Sample.from_boxes(name, name, "train", image, boxes, labels)


def config(epochs: int = 1, **optim: Any) -> TrainConfig:
    values = {"optimizer": "adamw", "lr": 1e-2, "epochs": epochs, "steps_per_epoch": 10, "batch_size": 4, "patience": 0}
    return TrainConfig(
        MODEL,
        samples=("metaphase",),
        crop=32,
        augment=AugmentConfig(rotation=0.0),
        optim=OptimConfig(**(values | optim)),
    )


def test_a_patch_is_its_box_in_the_middle_of_nothing() -> None:
    patches = patches_of(two_kinds("a"))
    assert [plane.shape for plane in patches.planes] == [
        (1, 14, 14),
        *[(1, 18, 18)] * 3,
    ]  # a margin of 4, cut at the edge
    assert patches.labels.tolist() == [0, 1, 0, 1]
    picture = centred(patches.planes[1], 32)
    assert picture[11:21, 11:21] == pytest.approx(0.3, abs=0.01)
    assert picture.sum() == pytest.approx(100 * 0.3, rel=0.02)


def test_items_depend_on_seed_epoch_and_index_alone() -> None:
    sets = [PatchSet([two_kinds("a")], config(), seed=1) for _ in range(2)]
    sets[1][3]
    assert torch.equal(sets[0][2]["image"], sets[1][2]["image"]) and sets[0].sources == 4
    assert sorted(int(sets[0][index]["label"]) for index in range(4)) == [0, 0, 1, 1]


def test_two_kinds_are_told_apart_and_the_backbone_is_handed_on(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    samples = [two_kinds("a")]
    result = fit(config(4), samples, samples, tmp_path, seed=0)
    assert result.metrics["val/accuracy"] == 1.0
    network, _ = load_model(tmp_path, Classifier)
    assert classify(network, patches_of(samples[0]), 32, torch.device("cpu")).tolist() == [0, 1, 0, 1]
    save_backbone(tmp_path / "backbone.safetensors", network.backbone)
    other = Backbone("efficientnet-lite0", deepest=2)
    load_backbone_weights(other, str(tmp_path / "backbone.safetensors"))
    own = network.backbone.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in other.state_dict().items())


def test_accuracy_counts_chromosomes_not_images() -> None:
    task = ClassTask()
    assert task.summarize([np.array([True, False, False]), np.array([True])]) == {"val/accuracy": 0.5}
    assert task.summarize([]) == {"val/accuracy": None}


def test_samples_without_classes_are_refused() -> None:
    masks = np.ones((1, 8, 8), dtype=bool)
    plain = Sample.from_masks("a", "a", "train", "metaphase", np.ones((8, 8), np.float32), masks)
    with pytest.raises(DataError, match="without classes"):
        PatchSet([plain], config(), seed=0)
    with pytest.raises(DataError, match="no boxes to train on"):
        PatchSet([], config(), seed=0)
    with pytest.raises(DataError, match="none with a chromosome"):
        ClassTask().check(config(patience=3), [])
