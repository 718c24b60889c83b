"""The runs of registered versions: what the log keeps of them, and whether they still say it.

A run is MLflow's, and every user who may write may edit it. So the entry that lets a version in holds hashes of what
its run said then. Added metrics, tags and notes change nothing of that; and the stage `evaluate` may measure again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from chromseg.registry.log.entries import Entry, canonical
from chromseg.registry.store.backend import MlflowClient, Run, ViewType
from chromseg.registry.store.bulk import every
from chromseg.registry.store.store import translated

_TAGS = (  # the names are fixed here: a later lineage may hold more, and old entries must be read as they were written
    "run_id", "experiment", "variant", "ablation", "seed", "profile", "git_commit", "git_dirty", "data_md5",
    "test_md5", "environment", "hardware", "software",
)  # fmt: skip
_AGAIN = ("test/", "perf/")  # what `evaluate` measures
_AT_ONCE = 200  # runs by one query


def run_facts(run: Run) -> dict[str, str]:
    """What the entry that lets a version in keeps of its run: id, and hashes of what it says."""
    metrics = run.data.metrics
    said: dict[str, Mapping[str, Any]] = {
        "params": run.data.params,
        "lineage tags": {name: run.data.tags.get(name) for name in _TAGS},
        "training metrics": {name: value for name, value in metrics.items() if not name.startswith(_AGAIN)},
        "test metrics": {name: value for name, value in metrics.items() if name.startswith("test/")},
    }
    return {"id": run.info.run_id} | {part: _digest(values) for part, values in said.items()}


def runs_by_id(client: MlflowClient, ids: Iterable[str]) -> dict[str, Run]:
    """Those runs that the store has, deleted ones included."""
    found: dict[str, Run] = {}
    with translated("runs cannot be read"):
        experiments = [each.experiment_id for each in every(client.search_experiments, ViewType.ALL)]
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            where = "attributes.run_id IN ({})".format(", ".join(f"'{each}'" for each in some))
            runs = every(client.search_runs, experiments, where, ViewType.ALL, max_results=_AT_ONCE)
            found |= {run.info.run_id: run for run in runs}
    return found


def look_at_run(client: MlflowClient, entry: Entry, run: Run | None) -> tuple[str, str]:
    """What is wrong with the run of a version, and what is odd and harmless, in words; "" where nothing is.

    Args:
        client: Of the store.
        entry: The one that let the version in; one of a time when the log kept nothing of runs says nothing of them.
        run: Its run as it is now; None if it is gone.
    """
    known: dict[str, str] | None = entry.facts.get("run")
    if known is None:
        return "", ""
    named = f"run {known['id']}, which made {entry.model}/{entry.version},"
    if run is None or run.info.lifecycle_stage == "deleted":
        return f"{named} was deleted", ""
    now = run_facts(run)
    parts = [part for part in known if now.get(part) != known[part]]
    at = _measured_again(client, run) if "test metrics" in parts else ""
    if at:
        parts.remove("test metrics")
    wrong = f"{named} was edited: its {', '.join(parts)} are not those of {entry.at[:19]}Z" if parts else ""
    return wrong, f"{named} was measured again at {at}; what was registered stands" if at else ""


def _measured_again(client: MlflowClient, run: Run) -> str:
    """When `evaluate` measured all test metrics once more; "" if it did not.

    It writes all in one step, so they bear one time, and MLflow keeps what was before. Who edits one by hand leaves
    another time at it, and who edits the database no second value. Of a single metric nobody can tell.
    """
    names = [name for name in run.data.metrics if name.startswith("test/")]
    with translated(f"metrics of run {run.info.run_id} cannot be read"):
        histories = [client.get_metric_history(run.info.run_id, name) for name in names]
    last = {max(each.timestamp for each in history) for history in histories if history}
    again = any(len(history) > 1 for history in histories) and len(last) == 1 < len(names)
    whole = all(any(each.value == run.data.metrics[each.key] for each in history) for history in histories)
    return datetime.fromtimestamp(last.pop() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if again and whole else ""


def _digest(values: Mapping[str, Any]) -> str:
    texts = {name: repr(value) if isinstance(value, float) else value for name, value in values.items()}
    return hashlib.sha256(canonical(texts).encode()).hexdigest()
