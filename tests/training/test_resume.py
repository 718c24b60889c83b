"""A training that was killed, or stopped, ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from training_job import crossed, tiny_config

from chromseg.errors import TrainingError
from chromseg.training import loop
from chromseg.training.loop import fit
from chromseg.training.result import FitResult
from chromseg.training.tracker import read_run

JOB = Path(__file__).with_name("training_job.py")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    torch.set_num_threads(1)
    return train(tmp_path_factory.mktemp("whole"))


def train(folder: Path, checkpoint_steps: int = 0) -> FitResult:
    samples = [crossed("a"), crossed("b", 4)]
    return fit(tiny_config(checkpoint_steps=checkpoint_steps), samples, samples, folder, seed=0)


@pytest.mark.parametrize(
    ("kill_at", "checkpoint_steps"),
    [pytest.param(2, 0, marks=pytest.mark.slow), pytest.param(7, 0, marks=pytest.mark.slow), (7, 2)],
)
def test_killed_training_resumes_to_the_same_bits(
    kill_at: int, checkpoint_steps: int, uninterrupted: FitResult, tmp_path: Path
) -> None:
    """Steps 0-3 are the first epoch, 4-7 the second: killed before any checkpoint, after one, and within an epoch."""
    command = [
        sys.executable,
        str(JOB),
        str(tmp_path),
        f"--kill-at={kill_at}",
        f"--checkpoint-steps={checkpoint_steps}",
    ]
    killed = subprocess.run(command, capture_output=True, text=True, cwd=Path.cwd())
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "checkpoint.pt").exists() == (kill_at > 4)
    assert not (tmp_path / "model.safetensors").exists()
    same(train(tmp_path, checkpoint_steps), uninterrupted)


@pytest.mark.parametrize("step", [1, 3, 5])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_training_says_how_to_go_on_and_does(
    step: int,
    number: signal.Signals,
    uninterrupted: FitResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_step, steps = loop._train_step, iter(range(100))

    def interrupted(*arguments: Any) -> dict[str, float]:
        if next(steps) == step:
            os.kill(os.getpid(), number)
        return make_step(*arguments)

    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_train_step", interrupted)
        with pytest.raises(TrainingError, match="run the same command again; it goes on from"):
            train(tmp_path)
    assert next(steps) == step + 1, "the step in progress is finished, and no other begun"
    assert "stopping after this step" in capsys.readouterr().err
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    same(train(tmp_path), uninterrupted)


def test_run_record_of_a_resumed_training_has_every_epoch_once(
    uninterrupted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying:
        def log_params(self, params: object) -> None: ...

        def log_artifact(self, path: object) -> None: ...

        def log_metrics(self, metrics: object, step: int) -> None:
            if step == 1:
                raise RuntimeError("the tracker is gone")

    samples = [crossed("a"), crossed("b", 4)]
    with pytest.raises(RuntimeError, match="the tracker is gone"):
        fit(tiny_config(), samples, samples, tmp_path, seed=0, tracker=Dying())
    train(tmp_path)
    whole, resumed = read_run(uninterrupted.folder / "run.json"), read_run(tmp_path / "run.json")
    assert [epoch["step"] for epoch in resumed["metrics"]] == [0, 1, 2]
    assert [results(epoch) for epoch in resumed["metrics"]] == [results(epoch) for epoch in whole["metrics"]]
    assert resumed["params"] == whole["params"]


def test_checkpoint_of_another_configuration_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_in_second_epoch(tmp_path, monkeypatch)
    samples = [crossed("a"), crossed("b", 4)]
    for config, seed, train_samples in [
        (tiny_config(lr=1e-3), 0, samples),
        (tiny_config(), 1, samples),
        (tiny_config(), 0, samples[::-1]),
    ]:
        with pytest.raises(TrainingError, match="of another configuration, seed or training set"):
            fit(config, train_samples, samples, tmp_path, seed=seed)
    assert (tmp_path / "checkpoint.pt").exists()


def test_without_resume_the_checkpoint_counts_for_nothing(
    uninterrupted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_in_second_epoch(tmp_path, monkeypatch)
    samples = [crossed("a"), crossed("b", 4)]
    result = fit(tiny_config(), samples, samples, tmp_path, seed=0, resume=False)
    same(result, uninterrupted)


def test_a_kept_checkpoint_only_finishes(
    uninterrupted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [crossed("a"), crossed("b", 4)]
    fit(tiny_config(), samples, samples, tmp_path, seed=0, keep_checkpoint=True)
    assert (tmp_path / "checkpoint.pt").exists()
    (tmp_path / "model.safetensors").unlink()
    monkeypatch.delattr(loop, "_train_step")
    same(train(tmp_path), uninterrupted)


def stop_in_second_epoch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> dict[str, float]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        make_epoch = loop.train_one_epoch
        patch.setattr(
            loop, "train_one_epoch", lambda run, *rest: (make_epoch if run.progress.epoch == 0 else broken)(run, *rest)
        )
        with pytest.raises(KeyboardInterrupt):
            train(folder)


def same(got: FitResult, expected: FitResult) -> None:
    assert got.card.weights_sha256 == expected.card.weights_sha256
    assert [results(epoch) for epoch in got.history] == [results(epoch) for epoch in expected.history]
    assert got.best_epoch == expected.best_epoch
    assert not (got.folder / "checkpoint.pt").exists()


def results(metrics: dict[str, float]) -> dict[str, float]:
    """What must be equal, which the time taken is not."""
    return {name: value for name, value in metrics.items() if not name.startswith("perf/")}
