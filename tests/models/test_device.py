"""Where networks run: what is asked for, or one line that says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from chromseg import load_predictor
from chromseg.cli.app import app
from chromseg.errors import ConfigError
from chromseg.models.device import usable_device


@pytest.mark.parametrize(("at_hand", "expected"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_at_hand_is_used(at_hand: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: at_hand)
    assert usable_device() == usable_device("auto") == expected


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: None)


@pytest.mark.parametrize("wanted", ["cuda", "cuda:3", "abacus"])
def test_what_is_not_there_is_refused(wanted: str, no_gpu: None) -> None:
    with pytest.raises(ConfigError, match=f"--device {wanted}; expected cpu: PyTorch finds no other device here"):
        usable_device(wanted)


def test_one_of_several_gpus_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert [usable_device(one) for one in ("cuda", "cuda:1", "cpu")] == ["cuda", "cuda:1", "cpu"]
    with pytest.raises(ConfigError, match="expected cpu, cuda, cuda:0, cuda:1"):
        usable_device("cuda:2")


def test_a_predictor_says_where_it_runs_and_refuses_to_run_elsewhere(
    make_model: Callable[..., Path], no_gpu: None
) -> None:
    folder = make_model("tiny")
    assert load_predictor(folder).device == load_predictor(folder, device="cpu").device == "cpu"
    with pytest.raises(ConfigError, match="--device cuda"):
        load_predictor(folder, device="cuda")


def test_predict_refuses_a_gpu_that_is_not_there_in_one_line(
    make_model: Callable[..., Path], no_gpu: None, tmp_path: Path
) -> None:
    (tmp_path / "cell.png").touch()
    call = ["predict", tmp_path / "cell.png", "--model", make_model("tiny"), "--out", tmp_path / "out", "--device"]
    done = CliRunner().invoke(app, [*map(str, call), "cuda"])
    assert (done.exit_code, done.stdout) == (1, "") and done.stderr.startswith("error: --device cuda; expected cpu")
    assert not (tmp_path / "out").exists()
    assert CliRunner().invoke(app, [*map(str, call), "gpu"]).exit_code == 2


def test_predict_and_evaluate_hand_the_device_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class AskedError(Exception):
        pass

    def ask(*_: object, device: str, **__: object) -> None:
        raise AskedError(device)

    monkeypatch.setattr("chromseg.api.load_predictor", ask)
    monkeypatch.setattr("chromseg.registry.versions.measurement.evaluate", ask)
    (tmp_path / "cell.png").touch()
    for call in (["predict", str(tmp_path / "cell.png"), "--out", "out"], ["models", "evaluate", "a/1", "--data", "b"]):
        for device in ("cpu", "cuda"):
            assert f"AskedError: {device}" in CliRunner().invoke(app, [*call, "--device", device]).stderr
