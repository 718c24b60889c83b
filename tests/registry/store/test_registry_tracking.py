from __future__ import annotations

import json
import os
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from example_lineage import LINEAGE

from chromseg.errors import LineageError, TrainingError
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.store.restore import restore_record, restore_run
from chromseg.registry.store.runs import find_run, start_run
from chromseg.registry.store.store import open_store
from chromseg.training.tracker import JsonTracker

NEW = Lineage.from_dict(LINEAGE)


def test_a_run_has_its_params_metrics_files_tags_and_data(store: Path) -> None:
    overlay = store / "overlay.png"
    overlay.write_bytes(b"picture")
    with start_run(NEW) as tracker:
        tracker.log_params({"model.depth": 4, "optim.lr": 1e-4, "samples": "cutout,metaphase"})
        tracker.log_metrics({"train/loss": 0.5, "val/iou_crossing": 0.25}, step=0)
        tracker.log_metrics({"train/loss": 0.25}, step=1)
        tracker.log_artifact(overlay, "overlays")
    client = open_store()
    run = client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == "chromseg"
    assert run.data.params == {"model.depth": "4", "optim.lr": "0.0001", "samples": "cutout,metaphase"}
    assert [(m.step, m.value) for m in client.get_metric_history(tracker.run_id, "train/loss")] == [(0, 0.5), (1, 0.25)]
    assert [file.path for file in client.list_artifacts(tracker.run_id, "overlays")] == ["overlays/overlay.png"]
    assert tracker.lineage() == replace(NEW, run_id=tracker.run_id)
    assert [(i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs] == list(NEW.data_md5.items())


def test_two_versions_of_a_dataset_that_parents_have_seen_are_two_inputs(store: Path) -> None:
    first, second = "1" * 32 + ".dir", "2" * 32 + ".dir"
    with start_run(replace(NEW, data_md5={"laid": f"{first}, {second}", "sample": "ab.dir"})) as tracker:
        pass
    inputs = open_store().get_run(tracker.run_id).inputs.dataset_inputs
    assert {(i.dataset.name, i.dataset.digest) for i in inputs} == {
        ("laid", first),
        ("laid", second),
        ("sample", "ab.dir"),
    }


def test_what_is_installed_is_an_artifact_however_much_it_is(store: Path) -> None:
    much = {f"package-{number:04}": "1.0" for number in range(2000)}
    lineage = replace(NEW, installed=much, runtime={"python": "3.11.7"})
    with start_run(lineage) as tracker:
        pass
    assert tracker.lineage() == replace(lineage, run_id=tracker.run_id, installed={})
    file = open_store().download_artifacts(tracker.run_id, "installed.json")
    assert json.loads(Path(file).read_text()) == much
    record = {"params": {}, "metrics": [], "tags": replace(lineage, run_id="elsewhere").tags()}
    restored = restore_record(open_store(), record)
    assert restored.lineage() == replace(lineage, run_id="elsewhere", installed={})


def test_a_training_goes_on_only_in_a_run_of_the_same_params(store: Path) -> None:
    runs = []
    other = replace(NEW, overrides={"params.yaml": [[["train", "base", "crop"], 48]]})
    for lineage in (NEW, other, other, NEW):
        with pytest.raises(ValueError, match="broke off"), start_run(lineage, resume=True) as tracker:
            runs.append(tracker.run_id)
            raise ValueError("broke off")
    assert runs[0] == runs[3] != runs[1] == runs[2]


def test_many_parameters_are_split_into_batches(store: Path) -> None:
    with start_run(NEW) as tracker:
        tracker.log_params({f"p{number}": number for number in range(250)})
    assert len(open_store().get_run(tracker.run_id).data.params) == 250


def test_undefined_metrics_are_left_out(store: Path) -> None:
    with start_run(NEW) as tracker:
        tracker.log_metrics({"test/sp_acc": None, "test/iou_crossing": float("nan"), "test/overall_acc": 0.0}, 0)
    assert open_store().get_run(tracker.run_id).data.metrics == {"test/overall_acc": 0.0}


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_that_breaks_off_says_so(store: Path, error: type[BaseException], status: str) -> None:
    with pytest.raises(error), start_run(NEW) as tracker:
        raise error
    assert open_store().get_run(tracker.run_id).info.status == status


def _die_in_a_run(folder: Path) -> None:
    os.chdir(folder)
    with start_run(NEW) as tracker:
        tracker.log_metrics({"train/loss": 1.0}, step=0)
        os.kill(os.getpid(), 9)


def test_after_sigkill_a_resumed_training_goes_on_in_its_run(store: Path, clean_process: ForkServerContext) -> None:
    process = clean_process.Process(target=_die_in_a_run, args=(store,))
    process.start()
    process.join(timeout=120)
    with start_run(NEW, resume=True) as tracker:
        tracker.log_metrics({"train/loss": 0.5}, step=1)
    client = open_store()
    assert len(client.search_runs([client.get_experiment_by_name("chromseg").experiment_id])) == 1
    assert [m.value for m in client.get_metric_history(tracker.run_id, "train/loss")] == [1.0, 0.5]
    assert client.get_run(tracker.run_id).info.status == "FINISHED"


def test_after_sigkill_a_fresh_training_closes_the_dead_run(store: Path, clean_process: ForkServerContext) -> None:
    process = clean_process.Process(target=_die_in_a_run, args=(store,))
    process.start()
    process.join(timeout=120)
    with start_run(NEW):
        pass
    client = open_store()
    runs = client.search_runs([client.get_experiment_by_name("chromseg").experiment_id])
    assert sorted(run.info.status for run in runs) == ["FINISHED", "KILLED"]


def test_a_run_of_a_living_process_is_left_alone(store: Path) -> None:
    with start_run(NEW) as first, start_run(NEW, resume=True) as second:
        assert first.run_id != second.run_id
        assert open_store().get_run(first.run_id).info.status == "RUNNING"


def test_resume_takes_only_the_same_code_and_data(store: Path) -> None:
    with pytest.raises(ValueError), start_run(NEW) as broken:
        raise ValueError
    for other in (replace(NEW, git_commit="d" * 40), replace(NEW, data_md5={"sample": "another"})):
        with start_run(other, resume=True) as tracker:
            assert tracker.run_id != broken.run_id
    with start_run(replace(NEW, hardware="another machine"), resume=True) as tracker:
        assert tracker.run_id == broken.run_id


@pytest.fixture
def run_json(project: Path) -> Path:
    """The record of a run of another machine, as the loop writes it."""
    record = JsonTracker(project / "run.json", tags=replace(NEW, run_id="run-elsewhere").tags())
    record.log_params({"model.depth": 4})
    record.log_metrics({"train/loss": 0.5}, step=0)
    record.log_metrics({"train/loss": 0.25}, step=1)
    return record.path


def test_a_missing_run_is_rebuilt_from_its_record(store: Path, run_json: Path) -> None:
    tracker = restore_run(run_json)
    tracker.log_metrics({"test/iou_crossing": 0.5})
    client = open_store()
    run = client.get_run(tracker.run_id)
    assert run.data.tags["restored"] == "true"
    assert run.data.tags["run_id"] == "run-elsewhere"
    assert run.data.params == {"model.depth": "4"}
    assert run.info.status == "FINISHED"
    assert [(m.step, m.value) for m in client.get_metric_history(tracker.run_id, "train/loss")] == [(0, 0.5), (1, 0.25)]
    assert run.data.metrics["test/iou_crossing"] == 0.5


def test_it_is_rebuilt_once_and_found_by_either_name(store: Path, run_json: Path) -> None:
    first = restore_run(run_json).run_id
    assert restore_run(run_json).run_id == first
    for name in ("run-elsewhere", first):
        found = find_run(open_store(), name)
        assert found is not None
        assert found.info.run_id == first


def test_a_run_that_is_there_is_not_rebuilt(store: Path) -> None:
    with start_run(NEW) as tracker:
        pass
    JsonTracker(store / "run.json", tags=tracker.lineage().tags()).log_params({"model.depth": 4})
    assert restore_run(store / "run.json").run_id == tracker.run_id
    assert "restored" not in open_store().get_run(tracker.run_id).data.tags


def test_records_that_say_too_little_are_refused(store: Path, run_json: Path) -> None:
    record = json.loads(run_json.read_text())
    run_json.write_text(json.dumps(record | {"tags": {}}))
    with pytest.raises(LineageError):
        restore_run(run_json)
    run_json.write_text(json.dumps(record | {"tags": record["tags"] | {"run_id": ""}}))
    with pytest.raises(LineageError, match="run_id"):
        restore_run(run_json)
    with pytest.raises(TrainingError):
        restore_run(store / "nowhere.json")
