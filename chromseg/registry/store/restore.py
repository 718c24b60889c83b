"""Runs rebuilt from their record, when the model came from the DVC cache or from another machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chromseg.errors import LineageError
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.runs import RunTracker, find_run, open_run
from chromseg.registry.store.store import open_store, translated
from chromseg.training.tracker import read_run


def restore_run(run_json: Path, scores: Mapping[str, float | None] | None = None) -> RunTracker:
    """The run that wrote `run_json`; rebuilt from it and tagged `restored` if the store does not have it.

    Args:
        run_json: `models/<variant>-<seed>/run.json`: params, tags and metrics per epoch.
        scores: What `evaluate` measured; a rebuilt run gets them too.

    Raises:
        TrainingError: The record is missing or damaged.
        LineageError: Its tags say too little.
    """
    return restore_record(open_store(), read_run(run_json), scores)


def restore_record(
    client: MlflowClient, record: Mapping[str, Any], scores: Mapping[str, float | None] | None = None
) -> RunTracker:
    """As `restore_run`, from a record already read; a rebuilt run gets `scores` too."""
    lineage = Lineage.from_tags(record.get("tags", {}))
    if not lineage.run_id:
        raise LineageError(
            "the record of a run without its run_id", expected="tags of a tracked run", remedy="train the model again"
        )
    found = find_run(client, lineage.run_id)
    if found is not None:
        return RunTracker(client, found.info.run_id)
    tracker = open_run(client, lineage, {"restored": "true"})
    tracker.log_params(record.get("params", {}))
    for epoch in record.get("metrics", []):
        tracker.log_metrics({name: value for name, value in epoch.items() if name != "step"}, int(epoch["step"]))
    tracker.log_metrics(scores or {})
    with translated(f"run {tracker.run_id} cannot be closed"):
        client.set_terminated(tracker.run_id, "FINISHED")
    return tracker
