"""Several workers on one socket, of which one that dies is replaced.

uvicorn's own supervisor was tried and left: it waits for a killed worker's answer as long as for a busy one's, and its
workers outlive it (docs/decisions.md).
"""

from __future__ import annotations

import multiprocessing
import signal
import socket
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType

from chromseg.errors import OutputError
from chromseg.serving.listening import turn_away
from chromseg.serving.logs import tell
from chromseg.serving.settings import ServeSettings
from chromseg.serving.worker import work

_PAUSE, _LONGEST_PAUSE = 2.0, 30.0  # seconds before a worker that never served is replaced; each time twice as long
_LEEWAY = 10.0  # seconds in which a worker ends its threads and processes
_FALSE_STARTS = 3  # in a row with nobody serving, after which there is no point in another


@dataclass(frozen=True, eq=False)
class _Worker:
    process: SpawnProcess
    serves: Event


class Supervisor:
    """Starts workers, replaces those that die, ends them all.

    Args:
        settings: Of the server.
        listening: The socket that all share.
        metrics: Folder of their metrics.
    """

    def __init__(self, settings: ServeSettings, listening: socket.socket, metrics: Path) -> None:
        self._settings, self._listening, self._metrics = settings, listening, metrics
        self._ending = False
        self._heard, self._bell = multiprocessing.Pipe(duplex=False)
        self._workers: list[_Worker] = []
        self._false_starts = 0
        self._next_start = 0.0  # not before, monotonic seconds

    def run(self) -> None:
        """Until SIGTERM or SIGINT.

        Raises:
            OutputError: One worker after the other died before it served.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)
        while not (self._ending or self._gave_up()):
            pause = self._next_start - time.monotonic()
            missing = len(self._workers) < self._settings.workers
            if missing and pause <= 0:
                self._start()
            else:
                wait([self._heard, *(worker.process.sentinel for worker in self._workers)], pause if missing else None)
            for worker in [worker for worker in self._workers if not worker.process.is_alive()]:
                self._bury(worker)
        self._end()
        if not self._ending:
            raise OutputError(
                f"{self._false_starts} workers in a row that died before they served",
                expected="workers that start",
                remedy="see what they said above; with --workers 1 the first error ends the server",
            )

    def _ring(self, number: int, frame: FrameType | None) -> None:
        """On a signal: have every wait end; the rest is not done here, where a worker may be half started."""
        self._ending = True
        self._bell.send_bytes(b".")

    def _gave_up(self) -> bool:
        """Whether workers do not start; while others serve, the cause may pass, a broken new champion for instance."""
        return self._false_starts >= _FALSE_STARTS and not any(worker.serves.is_set() for worker in self._workers)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        serves = context.Event()
        process = context.Process(target=work, args=(self._settings, self._listening, serves))
        process.start()
        self._workers.append(_Worker(process, serves))

    def _bury(self, worker: _Worker) -> None:
        """Forget a dead worker, and say when another may take its place."""
        from prometheus_client.multiprocess import mark_process_dead

        self._workers.remove(worker)
        mark_process_dead(worker.process.pid, str(self._metrics))  # type: ignore[no-untyped-call]
        if self._ending:
            return
        tell("worker died", pid=worker.process.pid, exitcode=worker.process.exitcode)
        if worker.serves.is_set():
            self._false_starts = 0
        else:
            self._next_start = time.monotonic() + min(_PAUSE * 2**self._false_starts, _LONGEST_PAUSE)
            self._false_starts += 1

    def _end(self) -> None:
        """Have every worker finish what it does, and wait for it as long as requests may take."""
        settings = self._settings
        last = time.monotonic() + 3 * settings.grace + settings.upload_timeout + settings.timeout + _LEEWAY
        for worker in self._workers:
            worker.process.terminate()
        time.sleep(self._settings.grace)  # so long they answer newcomers
        turn_away(self._listening)
        self._listening.close()
        for worker in self._workers:
            worker.process.join(max(0.0, last - time.monotonic()))
            if worker.process.is_alive():
                tell("worker killed", pid=worker.process.pid)
                worker.process.kill()
                worker.process.join()
