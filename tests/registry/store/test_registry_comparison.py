"""What MLflow's pages show of a whole pipeline: the parent run of its comparison, and a view cut to what differs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from example_lineage import LINEAGE

from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.store.backend import Run
from chromseg.registry.store.compare import compare_runs
from chromseg.registry.store.comparison import differing, record_comparison
from chromseg.registry.store.runs import RunTracker, start_run
from chromseg.registry.store.store import open_store

_METRICS = ("test/overall_acc", "test/mask_ap50")


def train(variant: str, gamma: float, experiment: str = "chromseg") -> RunTracker:
    lineage = replace(Lineage.from_dict(LINEAGE), variant=variant, experiment=experiment, profile="lab")
    with start_run(lineage) as run:
        run.log_params({"loss.gamma": gamma, "crop": 96})
        run.log_metrics({"test/overall_acc": 0.5, "train/loss": 0.1})
    return run


@pytest.fixture
def comparison(store: Path) -> Path:
    folder = store / "comparison"
    folder.mkdir()
    (folder / "ablation.md").write_text("| variant |")
    (folder / "curves.png").write_bytes(b"picture")
    return folder


def _parents() -> list[Run]:
    client = open_store()
    ids = [each.experiment_id for each in client.search_experiments()]
    return [run for run in client.search_runs(ids) if "variant" not in run.data.tags]


def test_the_runs_that_were_compared_lie_below_a_run_with_table_and_pictures(comparison: Path) -> None:
    children = [train("plain", 0.0), train("focal", 1.0)]
    (parent,) = record_comparison("lab", children, comparison, "| variant |", _METRICS)
    client = open_store()
    run = client.get_run(parent.run_id)
    assert run.info.run_name == "lab" and run.info.status == "FINISHED"
    assert "| variant |" in run.data.tags["mlflow.note.content"]
    shown = [file.path for file in client.list_artifacts(parent.run_id, "comparison")]
    assert shown == ["comparison/ablation.md", "comparison/curves.png"]
    below = [client.get_run(child.run_id) for child in children]
    assert {run.data.tags["mlflow.parentRunId"] for run in below} == {parent.run_id}
    assert [run.info.run_name for run in below] == ["lab/plain-0", "lab/focal-0"]


def test_a_later_comparison_takes_the_runs_over(comparison: Path) -> None:
    child = train("plain", 0.0)
    record_comparison("lab", [child], comparison, "", _METRICS)
    (second,) = record_comparison("lab", [child], comparison, "", _METRICS)
    assert open_store().get_run(child.run_id).data.tags["mlflow.parentRunId"] == second.run_id


def test_each_experiment_has_a_parent_of_its_own(comparison: Path) -> None:
    record_comparison("lab", [train("plain", 0.0), train("fe", 0.0, "ucrd-net")], comparison, "", _METRICS)
    assert len({run.info.experiment_id for run in _parents()}) == 2


def test_the_view_shows_what_differs_and_what_is_compared_and_the_experiment_links_to_it(comparison: Path) -> None:
    children = [train("plain", 0.0), train("focal", 1.0)]
    record_comparison("lab", children, comparison, "", _METRICS)
    client = open_store()
    experiment = client.get_experiment_by_name("chromseg")
    assert experiment is not None
    view = json.loads(experiment.tags["mlflow.sharedViewState.lab"])
    assert view["selectedColumns"] == ["metrics.`test/overall_acc`", "params.`loss.gamma`"]
    assert view["searchFilter"] == "tags.profile = 'lab'"
    note = experiment.tags["mlflow.note.content"]
    assert (
        f"[lab](#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning&viewStateShareKey=lab)"
        in note
    )
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_parent_runs_are_in_no_table(comparison: Path) -> None:
    record_comparison("lab", [train("plain", 0.0)], comparison, "", _METRICS)
    (table,) = compare_runs("chromseg")
    assert [row.variant for row in table.rows] == ["plain"]


def test_a_parameter_that_one_run_lacks_differs() -> None:
    assert differing([{"a": "1", "b": "2"}, {"a": "1"}]) == ["b"]
    assert differing([{"a": "1"}]) == []
