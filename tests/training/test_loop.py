"""The loop: it learns, chooses, stops and refuses as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_job import crossed, tiny_config

from chromseg.annotations.samples import Sample
from chromseg.config import HardwareConfig, ModelConfig, TrainConfig
from chromseg.errors import ConfigError, DataError, ModelError, TrainingError
from chromseg.images.appearance import estimate_width
from chromseg.metrics import iou
from chromseg.models.package import ModelCard, load_model
from chromseg.training import batches, loop, map_task, run
from chromseg.training.loop import evaluate, fit
from chromseg.training.task import Batch
from chromseg.training.tracker import Param, read_run


class Recorder:
    """A tracker that remembers."""

    def __init__(self) -> None:
        self.params: dict[str, Param] = {}
        self.metrics: list[tuple[int, dict[str, float]]] = []
        self.artifacts: list[str] = []

    def log_params(self, params: Mapping[str, Param]) -> None:
        self.params.update(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self.metrics.append((step, dict(metrics)))

    def log_artifact(self, path: Path) -> None:
        assert path.is_file()
        self.artifacts.append(path.name)


def samples() -> list[Sample]:
    return [crossed("a"), crossed("b", 4)]


def script(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> list[dict[str, torch.Tensor]]:
    """Have validation give these crossing IoUs; returns the judged weights of each epoch."""
    seen: list[dict[str, torch.Tensor]] = []

    def scripted(state: run.Run, validation: object) -> dict[str, float]:
        seen.append({name: value.clone() for name, value in state.judged.state_dict().items()})
        return {"val/iou_crossing": scores[state.progress.epoch]}

    monkeypatch.setattr(loop, "evaluate", scripted)
    return seen


def test_two_samples_are_learnt_by_heart(tmp_path: Path) -> None:
    config = tiny_config(12, steps_per_epoch=8)
    result = fit(config, samples(), samples(), tmp_path, seed=0)
    assert result.metrics["val/iou_crossing"] > 0.8
    assert result.metrics["val/iou_chromosome"] > 0.9
    assert result.history[-1]["train/loss"] < result.history[0]["train/loss"] / 1.5


def test_in_a_log_file_each_epoch_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tiny_config(2), samples(), samples(), tmp_path, seed=0)
    first, second = capsys.readouterr().err.splitlines()
    assert re.match(r"epoch 1/2: train/loss [\d.]+, val/iou_crossing [\d.]+, perf/train_images_per_s ", first)
    assert second.startswith("epoch 2/2: ")


def test_folder_holds_the_judged_model_and_its_record(tmp_path: Path) -> None:
    tracker = Recorder()
    card = ModelCard("base", ModelConfig("unet"), stain="q-band", metrics={"test/x": 0.5}, lineage={"data_md5": "0"})
    config = tiny_config(2)
    result = fit(
        config, iter(samples()), iter(samples()), tmp_path, seed=3, tracker=tracker, card=card, tags={"k": "v"}
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors", "run.json"]

    network, read = load_model(tmp_path)
    assert read == result.card
    assert (read.name, read.stain, read.lineage) == ("base", "q-band", {"data_md5": "0"})
    assert read.architecture == config.model
    assert read.metrics == {"test/x": 0.5, **result.metrics}
    assert read.chromosome_area == np.median([sample.masks.sum(axis=(1, 2)) for sample in samples()])
    assert read.chromosome_width == np.median([estimate_width(sample.image) for sample in samples()])
    crossing = [network(torch.tensor(sample.image)[None, None]).crossing[0, 0] > 0 for sample in samples()]
    scores = [iou(pred.numpy(), sample.crossing) for pred, sample in zip(crossing, samples(), strict=True)]
    assert result.metrics["val/iou_crossing"] == pytest.approx(np.mean(scores))

    record = json.loads((tmp_path / "run.json").read_text())
    assert record == read_run(tmp_path / "run.json")
    assert record["tags"] == {"k": "v"}
    assert record["params"] == tracker.params
    assert tracker.params["model.depth"] == 2
    assert tracker.params["seed"] == 3
    assert [{"step": step, **values} for step, values in tracker.metrics] == record["metrics"] == result.history
    assert tracker.artifacts == record["artifacts"] == ["model.safetensors", "model.json"]
    assert {
        "train/loss",
        "train/loss_crossing",
        "train/loss_chromosome",
        "train/loss_overlap",
        "train/lr",
        "val/loss",
        "val/iou_crossing",
        "val/iou_chromosome",
        "perf/train_images_per_s",
    } == set(result.metrics)


def test_same_seed_same_bits_other_seed_others(tmp_path: Path) -> None:
    config = tiny_config(1, steps_per_epoch=2)
    hashes = [
        fit(config, samples(), samples(), tmp_path / str(index), seed=seed).card.weights_sha256
        for index, seed in enumerate([0, 0, 1])
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_best_epoch_is_kept_and_patience_ends_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = script(monkeypatch, [0.2, 0.5, 0.4, 0.5, 0.9])
    result = fit(tiny_config(5, patience=2, steps_per_epoch=1), samples(), samples(), tmp_path, seed=0)
    assert (result.best_epoch, result.epochs) == (1, 4)
    kept = load_model(tmp_path)[0].state_dict()
    assert all(torch.equal(kept[name], seen[1][name]) for name in kept)
    assert not all(torch.equal(kept[name], seen[2][name]) for name in kept)


def test_patience_waits_for_the_first_crossing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, [0.0, 0.0, 0.0, 0.0, 0.1])
    result = fit(tiny_config(5, patience=1, steps_per_epoch=1), samples(), samples(), tmp_path, seed=0)
    assert (result.best_epoch, result.epochs) == (4, 5)


def test_no_patience_runs_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, [0.5, 0.1, 0.1, 0.1])
    result = fit(tiny_config(4, patience=0, steps_per_epoch=1), samples(), samples(), tmp_path, seed=0)
    assert (result.best_epoch, result.epochs) == (0, 4)


def test_without_validation_the_last_weights_are_kept(tmp_path: Path) -> None:
    result = fit(tiny_config(2, patience=0, steps_per_epoch=1), samples(), [], tmp_path, seed=0)
    assert result.best_epoch == 1
    assert not any(name.startswith("val/") for name in result.metrics)


@pytest.mark.parametrize("patience", [0, 3])
def test_validation_that_cannot_choose_is_refused(patience: int, tmp_path: Path) -> None:
    blind = [replace(crossed("a"), crossing=np.zeros((64, 64), dtype=bool))]
    with pytest.raises(DataError, match="1 validation samples, none with a crossing"):
        fit(tiny_config(patience=patience), samples(), blind, tmp_path, seed=0)


def test_patience_without_validation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 validation samples"):
        fit(tiny_config(patience=3), samples(), [], tmp_path, seed=0)


@pytest.mark.parametrize(("step", "kept"), [(1, "no checkpoint was written yet"), (5, "checkpoint.pt is kept")])
def test_loss_that_is_not_finite_is_an_error(
    step: int, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, steps = map_task.Objective.forward, iter(range(100))

    def poisoned(self: map_task.Objective, batch: Batch) -> dict[str, torch.Tensor]:
        losses = forward(self, batch)
        return losses | {"loss_crossing": losses["loss_crossing"] * (float("nan") if next(steps) == step else 1)}

    monkeypatch.setattr(map_task.Objective, "forward", poisoned)
    with pytest.raises(TrainingError) as error:
        fit(tiny_config(), samples(), samples(), tmp_path, seed=0)
    assert f"epoch {step // 4}, step {step % 4} (loss " in error.value.got
    assert "loss_crossing nan" in error.value.got
    assert kept in error.value.remedy
    assert (tmp_path / "checkpoint.pt").exists() == (step > 4)


def test_weights_that_are_not_finite_never_reach_the_checkpoint(tmp_path: Path) -> None:
    config = tiny_config(1, optimizer="sgd", lr=1e30, steps_per_epoch=1, schedule="constant")
    with pytest.raises(TrainingError, match="not finite"):
        fit(replace(config, loss=replace(config.loss, phi=1e10)), samples(), samples(), tmp_path, seed=0)
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize(
    "hardware",
    [HardwareConfig(), HardwareConfig(precision="bf16"), HardwareConfig(channels_last=True), HardwareConfig(workers=1)],
    ids=["plain", "bf16", "channels_last", "workers"],
)
def test_options_train(optimizer: str, hardware: HardwareConfig, tmp_path: Path) -> None:
    config = replace(
        tiny_config(1, optimizer=optimizer, steps_per_epoch=2, warmup_steps=1, clip_norm=1.0), hardware=hardware
    )
    result = fit(config, samples(), samples(), tmp_path, seed=0)
    assert np.isfinite(result.metrics["train/loss"])


@pytest.mark.parametrize("hardware", [HardwareConfig(channels_last=True), HardwareConfig(workers=2)])
def test_hardware_does_not_change_the_result(hardware: HardwareConfig, tmp_path: Path) -> None:
    config = tiny_config(1, steps_per_epoch=2)
    plain = fit(config, samples(), samples(), tmp_path / "a", seed=0).metrics["train/loss"]
    other = fit(replace(config, hardware=hardware), samples(), samples(), tmp_path / "b", seed=0).metrics["train/loss"]
    assert other == pytest.approx(plain, rel=1e-4)


def test_whole_images_of_any_size_are_judged(tmp_path: Path) -> None:
    """An image with nothing on it is left out of the crossing IoU if nothing is predicted on it."""
    odd = crossed("odd")
    odd = replace(odd, image=odd.image[:61, :47], crossing=odd.crossing[:61, :47], chromosome=odd.chromosome[:61, :47])
    state = started(tiny_config(), tmp_path)
    assert set(evaluate(state, [odd])) == {"val/loss", "val/iou_crossing", "val/iou_chromosome"}
    for parameter in state.judged.heads[-1].parameters():
        torch.nn.init.constant_(parameter, -1.0)
    assert evaluate(state, [odd])["val/iou_crossing"] == 0.0
    nothing = np.zeros((30, 30), dtype=bool)
    blank = replace(odd, image=nothing.astype(np.float32), crossing=nothing, chromosome=nothing)
    assert set(evaluate(state, [blank])) == {"val/loss"}
    assert evaluate(state, []) == {}


def test_batches_of_several_processes_share_each_batch(tmp_path: Path) -> None:
    state = started(tiny_config(batch_size=4), tmp_path)
    one = batches.epoch_batches(state, range(7))  # type: ignore[arg-type]
    assert one == [[0, 1, 2, 3], [4, 5, 6]]
    shares = []
    for index in range(2):
        state.accelerator = _Process(index, 2)  # type: ignore[assignment]
        shares.append(batches.epoch_batches(state, range(7)))  # type: ignore[arg-type]
    assert shares == [[[0, 2], [4, 6]], [[1, 3], [5, 0]]]


def test_batch_size_must_divide_among_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Accelerator", lambda: _Process(0, 2))
    with pytest.raises(ConfigError, match=r"optim\.batch_size 3 for 2 processes"):
        started(tiny_config(batch_size=3), tmp_path)


def test_unknown_architecture_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    config = replace(tiny_config(), model=ModelConfig("vit"))
    with pytest.raises(ModelError, match="`vit`"):
        fit(config, samples(), samples(), tmp_path / "out", seed=0)
    assert not (tmp_path / "out").exists()


class _Process:
    def __init__(self, process_index: int, num_processes: int) -> None:
        self.process_index, self.num_processes = process_index, num_processes


def started(config: TrainConfig, folder: Path) -> Any:
    from chromseg.training.survey import Survey

    return run.start_training(config, Survey(), folder / "checkpoint.pt", seed=0)
