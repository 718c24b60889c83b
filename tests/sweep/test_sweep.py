"""`runs sweep`: what DVC would run is run, and recorded so that DVC has nothing to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_pipeline import begun, dvc, vary
from typer.testing import CliRunner

from chromseg.cli.app import app
from chromseg.sweep import hands


def sweep(*options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code, and status and reason by step."""
    answer = CliRunner().invoke(app, ["runs", "sweep", "--json", *options])
    found = json.loads(answer.stdout) if answer.stdout else []
    return answer.exit_code, {each["step"]: (each["status"], each["reason"]) for each in found}


def test_all_is_done_once_and_dvc_has_nothing_to_do(pipeline: Path) -> None:
    code, outcomes = sweep()
    assert (code, {status for status, _ in outcomes.values()}) == (0, {"done"})
    assert begun(pipeline) == ["prepare@all", "train@a", "train@b", "evaluate@a", "evaluate@b", "compare@all"]
    assert (pipeline / "comparison/result").read_text() == "good1 good1"
    assert "Running stage" not in dvc(pipeline, "repro") and begun(pipeline) == []
    vary(pipeline, b="better")
    assert sweep()[1]["train@a-0"] == ("skipped", "")
    assert begun(pipeline) == ["train@b", "evaluate@b", "compare@all"]


def test_what_fails_or_read_something_else_meanwhile_ends_what_waits_for_it(
    pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = hands.run_step

    def edited_meanwhile(step: Any, *given: Any) -> str:
        reason = run(step, *given)
        if step.name == "train@b-0":
            vary(pipeline, b="better")
        return reason

    vary(pipeline, a="bad")
    with monkeypatch.context() as patch:
        patch.setattr(hands, "run_step", edited_meanwhile)
        code, outcomes = sweep()
    assert code == 1 and outcomes["prepare"] == ("done", "")
    status, reason = outcomes["train@a-0"]
    assert status == "failed" and reason.startswith("TrainingError: a loss that is not finite; expected numbers; ")
    assert outcomes["evaluate@a-0"] == ("left out", "it waits for train@a-0")
    status, reason = outcomes["train@b-0"]
    assert status == "failed" and reason.startswith("train.variants.b of params.yaml changed while it ran")
    begun(pipeline)
    assert sweep()[0] == 0, "both are mended"
    assert begun(pipeline) == ["train@a", "train@b", "evaluate@a", "evaluate@b", "compare@all"]


def test_refusals(project: Path) -> None:
    answer = CliRunner().invoke(app, ["runs", "sweep", "--profile", "nowhere"])
    assert answer.exit_code == 1 and "profiles/nowhere/dvc.yaml; expected a pipeline" in answer.stderr
    assert CliRunner().invoke(app, ["runs", "sweep", "--cores", "2"]).exit_code == 2
