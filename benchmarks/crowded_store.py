"""What reading and deciding costs in a store of many versions, in seconds of CPU; `benchmarks.registry` asks for it.

Two versions are registered and promoted; the others are copies of the second one's rows in MLflow's database, with a
run each, and the log goes on from entry to entry as their writers would have left it. `verify` then vouches for it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import sqlalchemy as sql

from chromseg.project import tracking_uri
from chromseg.registry.log import audit
from chromseg.registry.log.entries import Entry, timestamp
from chromseg.registry.promotion import history, promote
from chromseg.registry.store.backend import Metric, MlflowClient, Param, RunTag
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.listing import list_versions
from chromseg.registry.versions.resolve import resolve
from chromseg.registry.versions.run_facts import run_facts
from chromseg.registry.versions.verify import verify
from chromseg.registry.versions.version import place_of, signature

NAME = "chromseg"
_OF_RUN = ("runs", "params", "metrics", "latest_metrics", "tags")  # tables of MLflow, by run_uuid
_AT_ONCE = 1000  # rows

Row = dict[str, Any]


def measure_crowd(runs: int, versions: int = 500, promotions: int = 2) -> dict[str, float]:
    """Median CPU-seconds of each verb, in the store at hand.

    Every time the log is followed from its first entry, as a new process does; imports are not counted. What a
    server's database does in its own process is not in it.

    Args:
        runs: How often each verb is asked; files are compared once.
        versions: How many there are to be. The store holds `chromseg/1`, and `promotion.yaml` lets everything pass.
        promotions: How many there are to be before it is measured.
    """
    client = open_store()
    add_copy(client)
    for number in (1, 2):
        promote(f"{NAME}/{number}", reason="one of the first")
    fill(client, versions, promotions)
    champion, other = 1, 2
    spent = []
    for _ in range(runs + 1):  # the first also moves MLflow's alias to where the log has it
        champion, other = other, champion
        spent.append(cpu(partial(promote, f"{NAME}/{champion}", reason="benchmark")))
    figures = {
        "list": [cpu(list_versions) for _ in range(runs)],
        "list --last 50": [cpu(lambda: list_versions(last=50)) for _ in range(runs)],
        "resolve": [cpu(lambda: resolve(f"models:/{NAME}@champion")) for _ in range(runs)],
        "history": [cpu(lambda: history(NAME)) for _ in range(runs)],
        "promote": spent[1:],
        "verify": [cpu(verify) for _ in range(runs)],
    }
    if versions <= 500:
        figures["verify --files"] = [cpu(lambda: verify(files=True))]
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


def fill(client: MlflowClient, versions: int, promotions: int) -> None:
    """Bring the store to so many versions and promotions, past MLflow: row by row it would take an hour."""
    chain = audit.read_log(client)
    pattern = client.get_model_version(NAME, "2")
    runs = [uuid4().hex for _ in range(versions - 2)]
    entries = _entries(chain.entries, runs, promotions - 2)
    uri = tracking_uri()
    engine = sql.create_engine(uri)
    known = sql.MetaData()
    known.reflect(engine, only=[*_OF_RUN, "model_versions", "model_version_tags"])
    with engine.begin() as database:
        for name in _OF_RUN:
            table = known.tables[name]
            rows = database.execute(sql.select(table).where(table.c.run_uuid == pattern.run_id)).mappings().all()
            _insert(database, table, (_of(row, pattern.run_id, run) for run in runs for row in rows))
        made = ((number, {"run_id": run}) for number, run in enumerate(runs, 3))
        _add_versions(database, known, (NAME, 2), made)
        said = (
            (number, {"source": f"{audit.LOG}:/{each.hash}"}, audit.pieces(each.to_json()))
            for number, each in enumerate(entries, chain.stored + 1)
        )
        _add_versions(database, known, (audit.LOG, chain.stored), said)
    engine.dispose()
    audit.forget()


def _entries(entries: tuple[Entry, ...], runs: list[str], promotions: int) -> list[Entry]:
    """The log's next entries: a registration of each further version, then promotions of one after the other."""
    admitted = next(each for each in entries if (each.action, each.version) == ("register", 2))
    promoted, head = entries[-1], entries[-1].hash
    made: list[Entry] = []

    def add(entry: Entry) -> None:
        made.append(replace(entry, prev=made[-1].hash if made else head))

    for number, run in enumerate(runs, 3):
        facts = admitted.facts | {"run": admitted.facts["run"] | {"id": run}}
        add(replace(admitted, at=timestamp(), version=number, facts=facts))
    before = promoted.version
    for turn in range(promotions):
        number = 2 - turn % 2 if turn >= promotions - 2 else 3 + turn % len(runs)
        add(replace(promoted, at=timestamp(), version=number, previous=before))
        before = number
    return made


def _add_versions(database: sql.Connection, known: sql.MetaData, pattern: tuple[str, int], made: Iterator[Any]) -> None:
    """Rows of further versions of a registered model, like those of one that it has.

    Args:
        database: Within its transaction.
        known: The tables.
        pattern: Name and number of that one.
        made: Number, what differs in its row, and its tags, where they differ, of each.
    """
    versions, tags = known.tables["model_versions"], known.tables["model_version_tags"]
    chosen = [
        database.execute(sql.select(table).where(table.c.name == pattern[0], table.c.version == pattern[1])).mappings()
        for table in (versions, tags)
    ]
    (own,), own_tags = chosen[0].all(), chosen[1].all()
    rows: list[Row] = []
    tag_rows: list[Row] = []
    for number, differs, *said in made:
        rows.append({**own, "version": number, **differs})
        each = said[0] if said else {row["key"]: row["value"] for row in own_tags}
        tag_rows += [{**own_tags[0], "version": number, "key": key, "value": value} for key, value in each.items()]
    _insert(database, versions, iter(rows))
    _insert(database, tags, iter(tag_rows))


def _insert(database: sql.Connection, table: sql.Table, rows: Iterator[Row]) -> None:
    while some := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
        database.execute(sql.insert(table), some)


def _of(row: Any, run: str, other: str) -> Row:
    """A row of a run as that of another."""
    return {key: value.replace(run, other) if isinstance(value, str) else value for key, value in row.items()}


def cpu(action: Callable[[], object]) -> float:
    """CPU-seconds of this process, user and system, in a process that has not read the log yet."""
    audit.forget()
    start = time.process_time()
    action()
    return time.process_time() - start
