"""What reading and deciding costs in a store of 500 versions, in seconds of CPU; `benchmarks.registry` asks for it.

One version is registered; the others are made of its facts, share its files and have a run each that says the same.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from chromseg.registry.log import audit
from chromseg.registry.log.entries import Entry, timestamp
from chromseg.registry.promotion import promote
from chromseg.registry.store.backend import Metric, MlflowClient, Param, RunTag
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.listing import list_versions
from chromseg.registry.versions.resolve import resolve
from chromseg.registry.versions.run_facts import run_facts
from chromseg.registry.versions.verify import verify
from chromseg.registry.versions.version import place_of, signature

NAME = "chromseg"


def measure_crowd(runs: int, versions: int = 500) -> dict[str, float]:
    """Median CPU-seconds of each verb, in the store at hand.

    Every time the log is followed from its first entry, as a new process does; imports are not counted.

    Args:
        runs: How often each verb is asked; files are compared once.
        versions: How many there are to be. The store holds `chromseg/1`, and `promotion.yaml` lets everything pass.
    """
    client = open_store()
    for _ in range(versions - 1):
        add_copy(client)
    champion, other = 1, 2
    promote(f"{NAME}/{champion}", reason="the first")
    promotions = []
    for _ in range(runs):
        champion, other = other, champion
        promotions.append(cpu(partial(promote, f"{NAME}/{champion}", reason="benchmark")))
    figures = {
        "list": [cpu(list_versions) for _ in range(runs)],
        "resolve": [cpu(lambda: resolve(f"models:/{NAME}@champion")) for _ in range(runs)],
        "promote": promotions,
        "verify": [cpu(verify) for _ in range(runs)],
        "verify --files": [cpu(lambda: verify(files=True))],
    }
    if problems := verify().problems:
        raise RuntimeError(f"the store that was measured is not sound: {problems[0]}")
    return {name: round(statistics.median(values), 3) for name, values in figures.items()}


def add_copy(client: MlflowClient) -> None:
    """One version more, in store and log."""
    first, admission = client.get_model_version(NAME, "1"), audit.read_log(client).admitted(NAME, 1)
    if admission is None:
        raise RuntimeError(f"the log knows no {NAME}/1")
    run = copied_run(client, first.run_id)
    made = client.create_model_version(NAME, first.source, run_id=run, tags=first.tags, await_creation_for=0)
    own = {
        "tags_sha256": signature(made.tags), "source": place_of(made), "run": run_facts(client.get_run(run)),
    }  # fmt: skip
    entry = Entry(timestamp(), "benchmark", "register", NAME, int(made.version), facts=admission.facts | own)
    audit.append(client, lambda _: entry)


def copied_run(client: MlflowClient, run_id: str) -> str:
    """Id of a new run that says what another one says."""
    run = client.get_run(run_id)
    copy = client.create_run(run.info.experiment_id).info.run_id
    now = int(time.time() * 1000)
    client.log_batch(
        copy,
        [Metric(name, value, now, 0) for name, value in run.data.metrics.items()],
        [Param(name, value) for name, value in run.data.params.items()],
        [RunTag(name, value) for name, value in run.data.tags.items() if not name.startswith("mlflow.")],
    )
    return str(copy)


def cpu(action: Callable[[], object]) -> float:
    """CPU-seconds of this process, user and system, in a process that has not read the log yet."""
    audit.forget()
    start = time.process_time()
    action()
    return time.process_time() - start
