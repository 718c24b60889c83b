"""One MLflow run per variant and seed: the training loop's tracker, and the way back to a run afterwards."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.store.backend import (
    DatasetInput,
    InputTag,
    Metric,
    MlflowClient,
    Param,
    Run,
    RunTag,
    ViewType,
    mlflow,
)
from chromseg.registry.store.bulk import every
from chromseg.registry.store.descriptions import NOTE, of_run
from chromseg.registry.store.store import experiment_id, open_store, translated
from chromseg.training.tracker import finite

_BATCH = 100  # MLflow takes no more params or tags at once (of metrics 1000)
INSTALLED = "installed.json"  # artifact of a run: distribution → version
_PROCESS = "chromseg.process"  # host and id of the process that writes to the run


class RunTracker:
    """Reports to one MLflow run; fits `chromseg.training.tracker.Tracker`.

    Args:
        client: Of the store.
        run_id: The run.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.client, self.run_id = client, run_id

    def log_params(self, params: Mapping[str, str | int | float | bool]) -> None:
        """Add parameters; one that is there already must be equal."""
        entries = [Param(name, str(value)) for name, value in params.items()]
        for start in range(0, len(entries), _BATCH):
            with translated("parameters cannot be logged"):
                self.client.log_batch(self.run_id, params=entries[start : start + _BATCH])

    def log_metrics(self, metrics: Mapping[str, float | None], step: int = 0) -> None:
        """Add one value of each metric, in one transaction; undefined values are left out."""
        now = time.time_ns() // 1_000_000
        entries = [Metric(name, float(value), now, step) for name, value in finite(metrics).items()]
        with translated("metrics cannot be logged"):
            self.client.log_batch(self.run_id, metrics=entries)

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy a file, or a folder's content, into the run (below `folder`, if given)."""
        log = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
        with translated(f"{path} cannot be logged"):
            log(self.run_id, str(path), folder)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Add or change tags."""
        entries = [RunTag(name, value) for name, value in tags.items()]
        for start in range(0, len(entries), _BATCH):
            with translated("tags cannot be set"):
                self.client.log_batch(self.run_id, tags=entries[start : start + _BATCH])

    def lineage(self) -> Lineage:
        """What the run's tags say, which leave out what was installed.

        Raises:
            LineageError: ChromSeg-Ops did not make the run.
        """
        with translated(f"run {self.run_id} cannot be read"):
            return Lineage.from_tags(self.client.get_run(self.run_id).data.tags)


@contextmanager
def start_run(lineage: Lineage, *, resume: bool = False) -> Iterator[RunTracker]:
    """Open the run of `lineage` for the length of the block; it ends as finished, failed (error) or killed (Ctrl-C).

    A run that a killed process left open is closed as killed.

    Args:
        lineage: Its `run_id` is empty; the run's id enters the tags.
        resume: The training goes on from a checkpoint, so go on with the run that broke off, if the store has it.

    Raises:
        RegistryError: The store does not open or does not take the run.
    """
    client = open_store()
    tracker = _resumed(client, lineage) if resume else None
    if tracker is None:
        _close_orphans(client, lineage)
        tracker = _new_run(client, lineage)
    status = "FAILED"
    try:
        yield tracker
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        with translated(f"run {tracker.run_id} cannot be closed"):
            client.set_terminated(tracker.run_id, status)


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """The run trained under `run_id`: itself, or what was rebuilt from its record; None if neither is there."""
    if not run_id:
        return None
    with translated("runs cannot be searched"):
        ids = [experiment.experiment_id for experiment in every(client.search_experiments)]
        for where in ("tags", "attributes"):
            found = client.search_runs(ids, f"{where}.run_id = '{run_id}'", ViewType.ACTIVE_ONLY, max_results=1)
            if found:
                return found[0]
    return None


def open_run(client: MlflowClient, lineage: Lineage, extra: Mapping[str, str] | None = None) -> RunTracker:
    """Create a run with the tags of `lineage`, and `extra`, in its experiment.

    The tag `run_id` names the run that trained the model: this one, unless `lineage` brings another.
    """
    tags = tags_of_run(lineage) | {
        NOTE: of_run(lineage),
        "mlflow.source.name": "chromseg-ops",
        "mlflow.source.git.commit": lineage.git_commit,
    }
    with translated("a run cannot be created"):
        run = client.create_run(
            experiment_id(client, lineage.experiment),
            run_name=f"{lineage.profile}/{lineage.variant}-{lineage.seed}",
            tags=tags | dict(extra or {}),
        )
    tracker = RunTracker(client, run.info.run_id)
    if not lineage.run_id:
        tracker.set_tags({"run_id": tracker.run_id})
    _log_datasets(client, tracker.run_id, lineage)
    if lineage.installed:
        with translated("what is installed cannot be logged"):
            client.log_dict(tracker.run_id, dict(lineage.installed), INSTALLED)
    return tracker


def tags_of_run(lineage: Lineage) -> dict[str, str]:
    """A run's tags, without the list of what is installed: an artifact, for MLflow cuts tags at 8,000 characters."""
    return replace(lineage, installed={}).tags()


def _new_run(client: MlflowClient, lineage: Lineage) -> RunTracker:
    return open_run(client, lineage, {_PROCESS: _this_process()})


def _resumed(client: MlflowClient, lineage: Lineage) -> RunTracker | None:
    """The latest run of the same variant, seed, code and data that did not come to its end."""
    tags = tags_of_run(replace(lineage, run_id="", hardware="", runtime={}))
    wanted = {"overrides": ""} | {name: value for name, value in tags.items() if value}
    for run in _unfinished(client, lineage):
        if all(run.data.tags.get(name, "") == value for name, value in wanted.items()):
            tracker = RunTracker(client, run.info.run_id)
            with translated(f"run {run.info.run_id} cannot be opened again"):
                client.update_run(run.info.run_id, "RUNNING")
            tracker.set_tags({_PROCESS: _this_process()})
            return tracker
    return None


def _close_orphans(client: MlflowClient, lineage: Lineage) -> None:
    """Mark as killed what a killed process left open."""
    for run in _unfinished(client, lineage):
        if run.info.status == "RUNNING":
            with translated(f"run {run.info.run_id} cannot be closed"):
                client.set_terminated(run.info.run_id, "KILLED")


def _unfinished(client: MlflowClient, lineage: Lineage) -> list[Run]:
    """Runs of the same variant and seed that failed, were stopped, or whose process is dead; newest first."""
    with translated("runs cannot be searched"):
        runs = client.search_runs(
            [experiment_id(client, lineage.experiment)],
            f"attributes.status != 'FINISHED' AND tags.variant = '{lineage.variant}' AND tags.seed = '{lineage.seed}'",
        )
    return [run for run in runs if run.info.status != "RUNNING" or _is_dead(run.data.tags.get(_PROCESS, ""))]


def _this_process() -> str:
    return f"{platform.node()}:{os.getpid()}:{psutil.Process().create_time():.0f}"


def _is_dead(process: str) -> bool:
    host, pid, started = [*process.split(":"), "", ""][:3]
    if host != platform.node() or not pid.isdigit():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" != started
    except psutil.NoSuchProcess:
        return True


def _log_datasets(client: MlflowClient, run_id: str, lineage: Lineage) -> None:
    versions = [(name, md5) for name, md5s in lineage.data_md5.items() for md5 in md5s.split(", ")]
    inputs = [_dataset_input(name, md5) for name, md5 in versions]
    with translated("datasets cannot be logged"):
        client.log_inputs(run_id, datasets=inputs)


def _dataset_input(name: str, md5: str) -> DatasetInput:
    """The version of a dataset as MLflow shows it: name, place and digest, no data."""
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.data.sources import LocalArtifactDatasetSource

    dataset = MetaDataset(LocalArtifactDatasetSource(f"data/{name}"), name=name, digest=md5)
    entity = mlflow.entities.Dataset.from_dictionary(dataset.to_dict())
    return DatasetInput(entity, tags=[InputTag("mlflow.data.context", "training")])
