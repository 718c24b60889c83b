"""Stage `pretrain` on a tiny set of boxes and classes: a backbone, scores by class, and a run."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_boxes import write_boxes

from chromseg.models.ucrd_net import Backbone
from chromseg.models.ucrd_net.weights import load_backbone_weights
from chromseg.registry.store.store import open_store
from chromseg.training import loop
from pipelines import prepare, pretrain

PARAMS: dict[str, Any] = {
    "prepare": {"datasets": ["boxes"]},
    "pretrain": {
        "base": {
            "samples": ["metaphase"],
            "crop": 32,
            "model": {"architecture": "classifier", "backbone": "efficientnet-lite0", "deepest": 2, "classes": 2},
            "optim": {"epochs": 1, "steps_per_epoch": 2, "batch_size": 2, "patience": 0},
        },
        "variants": {"lite0": {"ablation": "tiny"}},
    },
    "evaluate": {"dataset": "boxes"},
}


def rows_of(table: Path) -> list[list[str]]:
    return list(csv.reader(table.read_text().splitlines()))


@pytest.fixture
def boxes(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with prepared samples of boxes, about to pre-train."""
    write_boxes(store / "data")
    (store / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    monkeypatch.setattr(sys, "argv", ["prepare"])
    prepare.main()
    monkeypatch.setattr(sys, "argv", ["pretrain", "--variant", "lite0"])
    return store


def test_the_stage_leaves_a_backbone_its_scores_and_a_run(boxes: Path) -> None:
    store = boxes
    pretrain.main()
    folder, report = store / "models/lite0-0", store / "reports/default/pretraining/lite0-0"
    load_backbone_weights(Backbone("efficientnet-lite0", deepest=2), str(folder / "backbone.safetensors"))
    metrics = json.loads((report / "metrics.json").read_text())["metrics"]
    assert metrics["test/n_chromosomes"] == 2 and 0 <= metrics["test/accuracy"] <= 1
    assert [row[0] for row in rows_of(report / "accuracy.csv")] == ["class", "A1", "Y"]
    assert [sum(map(int, row[1:])) for row in rows_of(report / "confusion.csv")[1:]] == [1, 1]
    client = open_store()
    experiment = client.get_experiment_by_name("ucrd-net")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["test/accuracy"] == metrics["test/accuracy"] and run.data.tags["variant"] == "lite0"
    files = {file.path for file in client.list_artifacts(run.info.run_id, "pretraining")}
    assert {"pretraining/confusion.png", "pretraining/confusion.csv", "pretraining/accuracy.csv"} <= files


def test_killed_before_its_last_step_it_only_finishes(boxes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pretrain, "write_report", killed)
        with pytest.raises(KeyboardInterrupt):
            pretrain.main()
    shutil.rmtree(boxes / "models")  # as DVC does before it runs the stage again
    with monkeypatch.context() as patch:
        patch.delattr(loop, "_train_step")
        pretrain.main()
    assert (boxes / "models/lite0-0/backbone.safetensors").is_file()
    assert list((boxes / "mlruns/checkpoints").rglob("*.pt")) == []
    client = open_store()
    [run] = client.search_runs([client.get_experiment_by_name("ucrd-net").experiment_id])
    assert run.info.status == "FINISHED" and {"train/loss", "test/accuracy"} <= run.data.metrics.keys()
