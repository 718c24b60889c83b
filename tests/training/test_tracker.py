"""What a run leaves in run.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from training_job import tiny_config

from chromseg.errors import TrainingError
from chromseg.training.tracker import JsonTracker, NullTracker, Tracker, finite, flat_params, read_run


def test_record_is_whole_after_every_report(tmp_path: Path) -> None:
    tracker: Tracker = JsonTracker(tmp_path / "run.json", {"variant": "base"}, [{"step": 0, "train/loss": 1.0}])
    tracker.log_params({"model.depth": 4})
    tracker.log_metrics({"train/loss": 0.5}, 1)
    assert read_run(tmp_path / "run.json") == {
        "params": {"model.depth": 4},
        "tags": {"variant": "base"},
        "metrics": [{"step": 0, "train/loss": 1.0}, {"step": 1, "train/loss": 0.5}],
        "artifacts": [],
    }
    tracker.log_artifact(tmp_path / "deep" / "model.json")
    assert read_run(tmp_path / "run.json")["artifacts"] == ["model.json"]


def test_null_tracker_takes_everything() -> None:
    tracker: Tracker = NullTracker()
    tracker.log_params({})
    tracker.log_metrics({}, 0)
    tracker.log_artifact(Path("x"))


@pytest.mark.parametrize("text", [None, "", "{"])
def test_missing_or_damaged_record_is_an_error(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(TrainingError, match=r"run\.json cannot be read"):
        read_run(tmp_path / "run.json")


def test_parameters_are_flat_and_plain() -> None:
    params = flat_params(tiny_config(), seed=7)
    assert params["model.architecture"] == "region-guided-unetpp"
    assert params["loss.overlap"] == 0.5
    assert params["optim.batch_size"] == 2
    assert params["samples"] == "cutout"
    assert params["seed"] == 7
    assert not any(isinstance(value, dict | list | tuple) for value in params.values())
    json.dumps(params)


def test_only_what_could_be_measured_is_reported() -> None:
    assert finite({"a": 0.0, "b": None, "c": float("nan"), "d": float("inf")}) == {"a": 0.0}
