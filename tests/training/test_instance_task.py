"""Detectors in the loop: named losses, validation by AP, boxes alone, resumption to the bit."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.utils import set_seed
from instance_job import DETECTOR, cell, detector_config
from torch import nn

from chromseg.annotations import Sample
from chromseg.config import DetectorConfig, HardwareConfig
from chromseg.errors import DataError, TrainingError
from chromseg.models import build_model
from chromseg.models.package import load_model
from chromseg.models.ucrd_net import UCRDNet
from chromseg.training import loop
from chromseg.training.instance_task import InstanceTask
from chromseg.training.loop import fit
from chromseg.training.tasks import task_of


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_a_training_ends_in_a_model_with_its_anchors_and_named_losses(tmp_path: Path) -> None:
    result = fit(detector_config(), [cell("a"), cell("b", 4)], [cell("c", 2)], tmp_path, seed=0)
    network, card = load_model(tmp_path, UCRDNet)
    assert card == result.card and network.config == card.architecture
    assert isinstance(card.architecture, DetectorConfig) and len(card.architecture.anchor_sizes) == 2
    losses = {"rpn_objectness", "rpn_box", "class", "box", "box_nll", "mask"}
    named = {f"train/loss_{name}" for name in losses}
    assert named | {"train/loss", "val/mask_ap50", "val/box_ap50"} <= set(result.metrics)
    parts = sum(result.metrics[f"train/loss_{name}"] for name in losses)
    assert result.metrics["train/loss"] == pytest.approx(parts, rel=1e-5)


def test_boxes_alone_train_everything_but_the_masks(tmp_path: Path) -> None:
    samples = [cell("a", masks=False), cell("b", 4, masks=False)]
    result = fit(detector_config(1, ema=0.0, weight_decay=0.0), samples, samples, tmp_path, seed=0)
    assert result.metrics["train/loss_mask"] == 0 and "val/mask_ap50" not in result.metrics
    assert "val/box_ap50" in result.metrics
    trained, fresh = load_model(tmp_path, UCRDNet)[0], _fresh(result.card.architecture)
    assert same(trained.mask_head, fresh.mask_head)
    assert not same(trained.box_head, fresh.box_head)


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def _fresh(config: object) -> UCRDNet:
    set_seed(0)
    network = build_model(config)  # type: ignore[call-overload]
    assert isinstance(network, UCRDNet)
    return network


def test_masks_and_boxes_alone_train_together(tmp_path: Path) -> None:
    """The mask loss of both is that of the one with masks, while the boxes of both count."""
    result = fit(detector_config(1), [cell("a"), cell("b", masks=False)], [cell("c")], tmp_path, seed=0)
    assert result.metrics["train/loss_mask"] > 0
    everything = {"rpn_samples": 10**6, "box_samples": 10**4, "mask_samples": 10**4}  # so that chance picks nothing
    model = dataclasses.replace(result.card.architecture, **everything)  # type: ignore[arg-type, type-var]
    task, config = InstanceTask(), dataclasses.replace(detector_config(1, crop=0), model=model)
    network = _fresh(model).eval()
    nn.init.constant_(network.mask_head.logits.bias, 2.0)  # type: ignore[arg-type]  # else any mask costs log 2
    objective = task.objective(network, config)
    dataset = task.dataset([cell("a"), cell("b", 4, masks=False)], config, seed=0)
    masked, boxed = sorted((dataset[0], dataset[1]), key=lambda item: item["target"].masks is None)
    alone, both = (objective(task.collate(items)) for items in ([masked], [masked, boxed]))
    torch.testing.assert_close(both["loss_mask"], alone["loss_mask"])
    assert not torch.isclose(both["loss_box_nll"], alone["loss_box_nll"], rtol=1e-3)


def test_an_interrupted_training_ends_with_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [cell("a"), cell("b", 4)]
    config = detector_config(checkpoint_steps=1)
    whole = fit(config, samples, samples[:1], tmp_path / "whole", seed=0)
    make_step, steps = loop._train_step, iter(range(100))

    def broken(*arguments: object) -> dict[str, float]:
        if next(steps) == 3:
            raise KeyboardInterrupt
        return make_step(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_train_step", broken)
        with pytest.raises(KeyboardInterrupt):
            fit(config, samples, samples[:1], tmp_path / "broken", seed=0)
    resumed = fit(config, samples, samples[:1], tmp_path / "broken", seed=0)
    assert resumed.card.weights_sha256 == whole.card.weights_sha256
    assert resumed.metrics["val/mask_ap50"] == whole.metrics["val/mask_ap50"]


@pytest.mark.slow
def test_two_images_are_learnt_by_heart(tmp_path: Path) -> None:
    samples = [cell("a"), cell("b", 4)]
    config = detector_config(6, crop=0, steps_per_epoch=30, warmup_steps=10, clip_norm=5.0)
    config = dataclasses.replace(config, augment=dataclasses.replace(config.augment, paste=0.0, flip=False))
    result = fit(config, samples, samples, tmp_path, seed=0)
    assert result.metrics["val/mask_ap50"] > 0.9


@pytest.mark.slow
def test_two_processes_train_one_detector(tmp_path: Path) -> None:
    """One of them sees boxes alone at times, so that its mask head has nothing to learn from."""
    job = Path(__file__).with_name("instance_job.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    shared = str(Path(__file__).parents[1])  # as a program it finds only what lies beside it
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "PYTHONPATH": shared}
    command = [*torchrun, str(job), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"{index}.pt", weights_only=True) for index in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_bf16_stays_finite(tmp_path: Path) -> None:
    config = dataclasses.replace(detector_config(1), hardware=HardwareConfig(precision="bf16", channels_last=True))
    assert np.isfinite(fit(config, [cell("a")], [], tmp_path, seed=0).metrics["train/loss"])


def test_many_and_no_chromosomes_train(tmp_path: Path) -> None:
    many = np.zeros((210, 64, 96), dtype=bool)
    for index in range(210):
        row, col = divmod(index, 16)
        many[index, 4 * row + 1 : 4 * row + 4, 6 * col : 6 * col + 5] = True
    crowd = Sample.from_masks("m", "m", "train", "metaphase", many.any(axis=0).astype(np.float32), many)
    nobody = Sample.from_masks(
        "n", "n", "train", "metaphase", np.zeros((64, 80), np.float32), np.zeros((0, 64, 80), dtype=bool)
    )
    config = detector_config(1, crop=0, steps_per_epoch=1)
    metrics = fit(config, [crowd, nobody], [nobody, cell("a")], tmp_path, seed=0).metrics
    assert np.isfinite(metrics["train/loss"])


def test_every_variant_starts_from_the_same_weights() -> None:
    baseline = dataclasses.replace(DETECTOR, box_head="two-fc", uncertainty=False, region="none")
    fitted = {"anchor_sizes": ((12.0,), (24.0,)), "anchor_ratios": (0.5, 1.0, 2.0)}
    first, second = (_fresh(dataclasses.replace(config, **fitted)) for config in (baseline, DETECTOR))
    for part in ("backbone", "fpn", "rpn"):
        own, other = (getattr(network, part).state_dict() for network in (first, second))
        assert all(torch.equal(own[name], other[name]) for name in own), part


def test_validation_without_a_chromosome_is_refused(tmp_path: Path) -> None:
    nobody = dataclasses.replace(cell("n"), masks=np.zeros((0, 64, 80), dtype=bool))
    with pytest.raises(DataError, match="1 validation samples, none with a chromosome"):
        fit(detector_config(), [cell("a")], [nobody], tmp_path, seed=0)
    with pytest.raises(DataError, match="0 validation samples"):
        fit(detector_config(patience=2), [cell("a")], [], tmp_path, seed=0)


def test_a_loss_that_is_not_finite_names_its_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = UCRDNet.forward_losses

    def poisoned(self: UCRDNet, *arguments: object) -> dict[str, torch.Tensor]:
        losses = forward(self, *arguments)  # type: ignore[arg-type]
        return losses | {"box_nll": losses["box_nll"] * float("nan")}

    monkeypatch.setattr(UCRDNet, "forward_losses", poisoned)
    with pytest.raises(TrainingError, match="loss_box_nll nan"):
        fit(detector_config(), [cell("a")], [cell("a")], tmp_path, seed=0)


def test_the_model_block_decides_the_task() -> None:
    assert isinstance(task_of(detector_config()), InstanceTask)
