"""Processes for the work after the network: one that dies is replaced and its work done again; work can be ended."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from chromseg.serving.ending import outcome
from chromseg.serving.parent import when_parent_ends

T = TypeVar("T")

_ATTEMPTS = 3


class SplicePool:
    """Runs picklable tasks in processes, or in threads where there are none.

    Args:
        processes: How many; 0 takes threads of this process, whose work cannot be ended: it is waited for.
        on_loss: Called whenever a process was lost that nobody ended.
    """

    def __init__(self, processes: int, on_loss: Callable[[], None] = lambda: None) -> None:
        self._on_loss = on_loss
        kind, count = (_Process, processes) if processes else (_Thread, os.cpu_count() or 1)
        self._splicers = [kind() for _ in range(count)]
        self._idle: asyncio.Queue[_Splicer] = asyncio.Queue()
        for splicer in self._splicers:
            self._idle.put_nowait(splicer)

    async def run(self, task: Callable[[], T]) -> T:
        """Do a task; one whose process dies is done again by another. If the caller is cancelled, the task ends.

        Raises:
            BrokenProcessPool: It died several times in a row: the task may be what kills it.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            splicer = await self._idle.get()
            try:
                return await splicer.run(task)
            except BrokenProcessPool:
                self._on_loss()
                splicer.renew()
                if attempt == _ATTEMPTS:
                    raise
            finally:
                self._idle.put_nowait(splicer)
        raise AssertionError("unreachable")

    async def warm(self) -> None:
        """Start every process and let it import what it needs, so that the first request does not wait."""
        await asyncio.gather(*(self.run(_import_all) for _ in self._splicers))

    def close(self) -> None:
        """Finish what is running, then end the processes."""
        for splicer in self._splicers:
            splicer.executor.shutdown(wait=True)


class _Splicer:
    """Does one task at a time."""

    executor: Executor

    async def run(self, task: Callable[[], T]) -> T:
        """Do it."""
        raise NotImplementedError

    def renew(self) -> None:
        """Begin anew after a loss."""
        raise NotImplementedError


class _Thread(_Splicer):
    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="splice")

    async def run(self, task: Callable[[], T]) -> T:
        return await outcome(self.executor.submit(task))


class _Process(_Splicer):
    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        self.executor = ProcessPoolExecutor(1, mp_context=context, initializer=_outlive_signals)
        self._pid: Future[int] | None = None

    async def run(self, task: Callable[[], T]) -> T:
        if self._pid is None:
            self._pid = self.executor.submit(os.getpid)
        try:
            return await asyncio.wrap_future(self.executor.submit(task))
        except asyncio.CancelledError:
            self._pid.add_done_callback(_kill)  # at once, or as soon as it has begun
            self.renew()
            raise

    def renew(self) -> None:
        """Another process, which imports at once what it needs."""
        self.executor.shutdown(wait=False)
        self._start()
        self._pid = self.executor.submit(os.getpid)
        self.executor.submit(_import_all)


def _kill(pid: Future[int]) -> None:
    if not pid.cancelled() and pid.exception() is None:
        os.kill(pid.result(), getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows both end it at once


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
