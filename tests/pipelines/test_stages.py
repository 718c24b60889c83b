"""The stages one after another on a tiny drawn dataset, and DVC's view of them on the built-in sample."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from clone import Clone
from spread_splits import spread_splits

from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.synthesis import synthesize_dataset
from pipelines import compare, evaluate, prepare, train, validate

PARAMS: dict[str, Any] = {
    "validate": {"datasets": ["drawn"]},
    "prepare": {"datasets": ["drawn"]},
    "train": {
        "base": {
            "crop": 32,
            "model": {"architecture": "unet", "depth": 1, "width": 2},
            "optim": {"epochs": 2, "steps_per_epoch": 2, "batch_size": 2, "patience": 0},
        },
        "variants": {
            "unet": {"ablation": "baseline"},
            "guided": {"ablation": "two branches", "model": {"architecture": "region-guided-unetpp"}},
        },
    },
    "evaluate": {"dataset": "drawn"},
    "compare": {"baseline": "unet", "gallery": "guided", "cut_points": True},
}


def run(stage: Any, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [stage.__name__, *arguments])
    stage.main()


@pytest.mark.slow
def test_stages_leave_models_scores_tables_and_one_run_each(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesize_dataset(
        store / "data", "drawn", count=10, seed=3, size=(300, 300), chromosomes=12, crossings=3, images_per_case=1
    )
    spread_splits(store / "data/drawn")
    (store / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (store / "requirements.lock").write_text("# a lock\n")
    for command in (["init", "-q"], ["add", "params.yaml"], ["commit", "-qm", "params"]):
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@lab.example"]
        subprocess.run(["git", *identity, *command], cwd=store, check=True)
    run(validate, monkeypatch)
    run(prepare, monkeypatch)
    for variant in PARAMS["train"]["variants"]:
        run(train, monkeypatch, "--variant", variant, "--seed", "0")
        run(evaluate, monkeypatch, "--variant", variant, "--seed", "0")
    run(compare, monkeypatch)

    table = (store / "reports/default/comparison/ablation.md").read_text()
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == ["unet", "guided", "cut-points"]
    for name in ("curves.png", "curves.csv", "gallery-good.png", "gallery-detection.png", "metrics.json"):
        assert (store / "reports/default/comparison" / name).is_file(), name
    client: MlflowClient = open_store()
    experiment = client.get_experiment_by_name("chromseg")
    assert experiment is not None
    runs = {found.data.tags.get("variant"): found for found in client.search_runs([experiment.experiment_id])}
    parent = runs.pop(None)
    assert set(runs) == {"unet", "guided"}
    assert {found.data.tags["mlflow.parentRunId"] for found in runs.values()} == {parent.info.run_id}
    for variant, found in runs.items():
        scores = json.loads((store / f"reports/default/scores/{variant}-0/metrics.json").read_text())["metrics"]
        assert found.data.metrics["test/overlap_acc"] == pytest.approx(scores["test/overlap_acc"])
        assert found.data.params["model.architecture"] == ("unet" if variant == "unet" else "region-guided-unetpp")
        assert {"data_md5", "test_md5", "git_commit", "git_dirty", "seed", "hardware"} <= set(found.data.tags)
        history = client.get_metric_history(found.info.run_id, "train/loss")
        assert [point.step for point in history] == [0, 1]
        assert [file.path for file in client.list_artifacts(found.info.run_id) if file.path.endswith(".png")]
        record = json.loads((store / f"models/{variant}-0/run.json").read_text())
        assert record["tags"]["run_id"] == found.info.run_id


def test_a_failed_expectation_stops_the_pipeline_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = synthesize_dataset(tmp_path / "data", "drawn", count=5, seed=0, size=(260, 260), chromosomes=6)
    annotations = tmp_path / "data" / "drawn" / "annotations.json"
    coco = json.loads(annotations.read_text())
    coco["images"][0]["split"] = "training"
    annotations.write_text(json.dumps(coco))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    with pytest.raises(SystemExit, match="drawn failed validation"):
        run(validate, monkeypatch)
    told = capsys.readouterr().out
    assert dataset.images[0].file_name in told and "split" in told and "training" in told


@pytest.mark.slow
def test_dvc_restores_the_sample_and_a_second_repro_does_nothing(clone: Clone) -> None:
    clone.dvc("pull", "data.dvc")
    assert (clone.folder / "data/sample/annotations.json").is_file()
    shutil.rmtree(clone.folder / "prepared", ignore_errors=True)
    assert "Running stage 'prepare'" in clone.dvc("repro", "prepare")
    assert "Running stage" not in clone.dvc("repro", "prepare")
