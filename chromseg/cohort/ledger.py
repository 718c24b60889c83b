"""Who is at work on what, and what this run wrote: facts of a run that outlive its workers.

A picture that takes its worker with it again and again is found out, and so is a model that does when it is loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

STRIKES = 3  # workers that may die at one thing


class Ledger:
    """Counts the workers that began with something and were not heard of again; lives beside the driver."""

    def __init__(self) -> None:
        self._strikes: Counter[str] = Counter()
        self._written: set[str] = set()

    def enter(self, name: str) -> int:
        """Note that a worker begins with a picture, say; gives how many died at it before."""
        self._strikes[name] += 1
        return self._strikes[name] - 1

    def leave(self, name: str) -> None:
        """Note that it has ended well."""
        del self._strikes[name]

    def write(self, picture: str) -> None:
        """Note that the result of a picture is about to be written; a worker that dies then may have written it."""
        self._written.add(picture)

    def wrote(self, picture: str) -> bool:
        """Whether a result that is there may be this run's."""
        return picture in self._written


def open_ledger() -> Any:
    """The ledger of one run, as a Ray actor on this node; one whose process dies begins anew, empty."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(Ledger).options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here).remote()
    )


@contextmanager
def at_work(ledger: Any, name: str) -> Iterator[bool]:
    """Tell the ledger of the work on a picture, or on loading; gives whether that may be tried at all."""
    may = ray.get(ledger.enter.remote(name)) < STRIKES
    try:
        yield may
    finally:
        ledger.leave.remote(name)
