"""Processes for the work after the network. One that is killed is replaced, and its work is done again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from chromseg.serving.parent import when_parent_ends

T = TypeVar("T")

_ATTEMPTS = 3


class SplicePool:
    """Runs picklable tasks in processes, or in threads where there are none.

    Args:
        processes: How many; 0 takes threads of this process.
        on_loss: Called whenever a process was lost.
    """

    def __init__(self, processes: int, on_loss: Callable[[], None] = lambda: None) -> None:
        self._processes, self._on_loss = processes, on_loss
        self._executor = self._new()

    async def run(self, task: Callable[[], T]) -> T:
        """Do a task; one whose process dies is done again by another.

        Raises:
            BrokenProcessPool: It died several times in a row: the task may be what kills it.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            executor = self._executor
            try:
                return await asyncio.get_running_loop().run_in_executor(executor, task)
            except BrokenProcessPool:
                self._replace(executor)
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    async def warm(self) -> None:
        """Start every process and let it import what it needs, so that the first request does not wait."""
        await asyncio.gather(*(self.run(_import_all) for _ in range(max(1, self._processes))))

    def close(self) -> None:
        """Finish what is running, then end the processes."""
        self._executor.shutdown(wait=True)

    def _new(self) -> Executor:
        if not self._processes:
            return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="splice")
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        return ProcessPoolExecutor(self._processes, mp_context=context, initializer=_outlive_signals)

    def _replace(self, broken: Executor) -> None:
        """New processes for broken ones; many requests may notice the same loss."""
        if self._executor is broken:
            self._on_loss()
            self._executor = self._new()
            broken.shutdown(wait=False)


def _outlive_signals() -> None:
    """Ctrl-C and systemd signal the whole group: leave it to the server to end, and end with it if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    when_parent_ends(lambda: os._exit(1))


def _import_all() -> None:
    """Import what tasks need; in threads it is there already."""
    import tifffile

    import chromseg.serving.work

    assert tifffile and chromseg.serving.work
