"""Who is at work on what, and what this run wrote: facts of a run that outlive its workers.

A picture that takes its worker with it again and again is found out, and so is a model that does when it is loaded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

STRIKES = 3  # workers that may die at one thing


class Ledger:
    """Counts the workers that began with something and were not heard of again; lives beside the driver.

    Args:
        journal: File of what the run wrote. A ledger whose process dies begins anew: its strikes are forgotten, so
            that a picture has them before it once more, but not this, or pictures of this run would pass for earlier.
    """

    def __init__(self, journal: Path) -> None:
        self._strikes: Counter[str] = Counter()
        self._journal = journal
        self._written = set(_read(journal))

    def enter(self, name: str) -> int:
        """Note that a worker begins with a picture, say; gives how many died at it before."""
        self._strikes[name] += 1
        return self._strikes[name] - 1

    def leave(self, name: str) -> None:
        """Note that it has ended well."""
        del self._strikes[name]

    def write(self, picture: str) -> None:
        """Note that the result of a picture is about to be written; a worker that dies then may have written it."""
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write("\n" + json.dumps(picture))  # what a dying process wrote half of stays a line of its own
        self._written.add(picture)

    def wrote(self, picture: str) -> bool:
        """Whether a result that is there may be this run's."""
        return picture in self._written


def open_ledger(journal: Path) -> Any:
    """The ledger of one run, as a Ray actor on this node, where its journal lies."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
    return ray.remote(Ledger).options(**options).remote(journal)


@contextmanager
def at_work(ledger: Any, name: str) -> Iterator[bool]:
    """Tell the ledger of the work on a picture, or on loading; gives whether that may be tried at all."""
    may = ray.get(ledger.enter.remote(name)) < STRIKES
    try:
        yield may
    finally:
        ledger.leave.remote(name)


def _read(journal: Path) -> Iterator[str]:
    """The pictures in it, but for one that a process which died wrote half of: its worker tells again."""
    for line in journal.read_text(encoding="utf-8").splitlines() if journal.exists() else ():
        with suppress(ValueError):
            yield json.loads(line)
