"""What a `dvc repro` compared, in MLflow's pages: a parent run above its runs, and a view cut to what differs.

The view is the one that MLflow's *Share* button makes: a tag of the experiment with the columns to show. It opens by a
link, so that nobody has to choose among some seventy parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chromseg.registry.store.backend import MlflowClient, Run
from chromseg.registry.store.descriptions import NOTE, TRAINING_PAGES, of_experiment
from chromseg.registry.store.runs import RunTracker
from chromseg.registry.store.store import open_store, translated

_PARENT = "mlflow.parentRunId"  # the tag by which MLflow shows one run below another
_VIEW = "mlflow.sharedViewState."  # the tag that holds a view, by its key


def record_comparison(
    profile: str, trackers: Sequence[RunTracker], folder: Path, table: str, metrics: Iterable[str]
) -> list[RunTracker]:
    """Put the runs that were compared under a parent run with the table, curves and pictures, one an experiment.

    A run that an earlier comparison showed moves below the new one.

    Args:
        profile: The pipeline.
        trackers: The runs that were compared.
        folder: What the comparison wrote; its files become artifacts.
        table: The table as Markdown.
        metrics: Keys of the columns of the table.

    Returns:
        The parent runs.
    """
    client = open_store()
    with translated("the runs that were compared cannot be read"):
        runs = [client.get_run(tracker.run_id) for tracker in trackers]
    experiments = dict.fromkeys(run.info.experiment_id for run in runs)
    return [
        _record(client, profile, [run for run in runs if run.info.experiment_id == each], folder, table, list(metrics))
        for each in experiments
    ]


def link(experiment_id: str, profile: str) -> str:
    """Where MLflow's pages show the comparison, from the address of the server on."""
    return f"#/experiments/{experiment_id}/runs?{TRAINING_PAGES}&viewStateShareKey={profile}"


def _record(
    client: MlflowClient, profile: str, runs: Sequence[Run], folder: Path, table: str, metrics: Sequence[str]
) -> RunTracker:
    where = runs[0].info.experiment_id
    with translated(f"the comparison of profile {profile} cannot be recorded"):
        parent = RunTracker(client, client.create_run(where, run_name=profile, tags={"profile": profile}).info.run_id)
        parent.set_tags({NOTE: f"What `dvc repro` of profile **{profile}** compared.\n\n{table}"})
        parent.log_artifact(folder, "comparison")
        for run in runs:
            client.set_tag(run.info.run_id, _PARENT, parent.run_id)
        client.set_experiment_tag(where, _VIEW + profile, json.dumps(_view(profile, runs, metrics)))
        client.set_experiment_tag(where, NOTE, _with_links(client, where))
        client.set_terminated(parent.run_id, "FINISHED")
    return parent


def _view(profile: str, runs: Sequence[Run], metrics: Sequence[str]) -> dict[str, Any]:
    """MLflow's state of a page: the runs of one profile, what they score, and what differs between them."""
    scored = [key for key in metrics if any(key in run.data.metrics for run in runs)]
    return {
        "searchFilter": f"tags.profile = '{profile}'",
        "orderByKey": "attributes.`Created`",
        "orderByAsc": True,
        "selectedColumns": [
            *(f"metrics.`{key}`" for key in scored),
            *(f"params.`{key}`" for key in differing([run.data.params for run in runs])),
        ],
        "runsExpanded": {},
    }


def differing(params: Sequence[Mapping[str, str]]) -> list[str]:
    """Parameters that do not have the same value in all runs, sorted; one that a run lacks differs."""
    keys = sorted({key for each in params for key in each})
    return [key for key in keys if len({each.get(key) for each in params}) > 1]


def _with_links(client: MlflowClient, experiment: str) -> str:
    found = client.get_experiment(experiment)
    profiles = sorted(key.removeprefix(_VIEW) for key in found.tags if key.startswith(_VIEW))
    links = ", ".join(f"[{profile}]({link(experiment, profile)})" for profile in profiles)
    return (
        f"**Variants side by side, with what differs: {links}**\n\n{of_experiment(found.name)}"  # a page shows a line
    )
