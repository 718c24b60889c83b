"""Who is at work on what: a picture that takes its worker with it again and again is found out, and set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

STRIKES = 3  # workers that may die at one picture


class Ledger:
    """Counts the workers that began with a picture and were not heard of again; lives beside the driver."""

    def __init__(self) -> None:
        self._strikes: Counter[str] = Counter()

    def enter(self, name: str) -> int:
        """Note that a worker begins with a picture; gives how many died at it before."""
        self._strikes[name] += 1
        return self._strikes[name] - 1

    def leave(self, name: str) -> None:
        """Note that it has ended well."""
        del self._strikes[name]


def open_ledger() -> Any:
    """The ledger of one run, as a Ray actor on this node; one whose process dies begins anew, empty."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(Ledger).options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here).remote()
    )


@contextmanager
def at_work(ledger: Any, name: str) -> Iterator[bool]:
    """Tell the ledger of the work on one picture; gives whether the picture may be worked on at all."""
    may = ray.get(ledger.enter.remote(name)) < STRIKES
    try:
        yield may
    finally:
        ledger.leave.remote(name)
