"""Starting the server: one process, or several on one socket of which one that dies is replaced.

uvicorn's own supervisor kills a worker that does not answer for some seconds, which a busy one may not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType

import uvicorn

from chromseg.errors import ChromsegError, ConfigError, OutputError
from chromseg.serving.listening import BACKLOG, accept_waiting, address_of, bind, turn_away
from chromseg.serving.logs import start_logging, tell
from chromseg.serving.settings import ServeSettings

_PAUSE, _LONGEST_PAUSE = 2.0, 30.0  # seconds before a worker that never served is replaced; each time twice as long
_FALSE_STARTS = 3  # in a row with nobody serving, after which there is no point in another


class PatientServer(uvicorn.Server):
    """Loses no request at its end: for a while every answer also says that it is the connection's last.

    Args:
        config: uvicorn's.
        grace: Seconds.
        on_ready: Called once requests are answered.
        alone: Nobody else listens on its sockets; otherwise the supervisor turns newcomers away.
    """

    def __init__(
        self, config: uvicorn.Config, grace: float, on_ready: Callable[[], None] = lambda: None, alone: bool = True
    ) -> None:
        super().__init__(config)
        self._grace, self._on_ready, self._alone = grace, on_ready, alone

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on answering, stop listening, then end as uvicorn does: after every request in work is answered."""
        self._say_close()
        await asyncio.sleep(self._grace)
        if self._alone:
            for listening in sockets or []:
                turn_away(listening)
        await asyncio.sleep(self._grace)  # who is on the way in comes in
        await self._stop_listening(sockets or [])
        await asyncio.sleep(self._grace)  # who was let in last may not have sent the request yet
        await super().shutdown(sockets)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Close the listeners, and let in who still waits in their queues: the kernel would cut them off."""
        waiting = [one for listening in sockets for one in accept_waiting(listening)]
        for server in self.servers:
            server.close()
        for one in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, one)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def _say_close(self) -> None:
        """Have every answer from now on carry `Connection: close`, those of requests in work as well."""
        self.server_state.default_headers.append((b"connection", b"close"))
        for connection in self.server_state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None:
                cycle.keep_alive = False


def check_exposure(settings: ServeSettings, allow_anonymous: bool) -> None:
    """Refuse to be reached from other machines by anyone.

    Raises:
        ConfigError: The address is not this machine's own, and there are no keys.
    """
    if settings.api_keys or allow_anonymous or _is_loopback(settings.host):
        return
    raise ConfigError(
        f"--host {settings.host} without API keys",
        expected="an address of this machine alone, or --api-keys FILE",
        remedy="make a key with `chromseg-ops serve --new-key NAME`, or say --allow-anonymous if a proxy asks for keys",
    )


def serve(settings: ServeSettings, on_ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve until SIGTERM or Ctrl-C; every request that was begun is answered first.

    Args:
        settings: Of the server.
        on_ready: Told the address once it listens.

    Raises:
        ChromsegError: The address is taken, or the model or keys cannot be used.
    """
    start_logging()
    with bind(settings) as listening:
        url = address_of(listening)
        start = _serve_here if settings.workers == 1 else _supervise
        start(settings, listening, lambda: on_ready(url))


def _serve_here(settings: ServeSettings, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    from chromseg.serving.app import create_app
    from chromseg.serving.models import RegistrySource

    _limit_threads(settings)
    check_device(settings.device)
    _run(settings, create_app(settings, RegistrySource(settings.model, settings.device)), listening, on_ready)


def _run(
    settings: ServeSettings, app: object, listening: socket.socket, on_ready: Callable[[], None], alone: bool = True
) -> None:
    """Serve.

    Raises:
        OutputError: The application did not start.
    """
    server = PatientServer(_config(settings, app), settings.grace, on_ready, alone)
    for number in (signal.SIGTERM, signal.SIGINT):  # before uvicorn does, and after: it raises at its end what ended it
        signal.signal(number, server.handle_exit)
    try:
        server.run([listening])
    except SystemExit as error:  # of uvicorn, which has logged why
        raise OutputError(
            "the server did not start", expected="its processes to start", remedy="see the log above"
        ) from error


def _config(settings: ServeSettings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.behind_proxy,
        backlog=BACKLOG,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )


def _limit_threads(settings: ServeSettings) -> None:
    """Share the cores: several networks that each take all of them are slower together."""
    import torch

    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(settings.threads or max(1, min(torch.get_num_threads(), cores // settings.workers)))


def _work(settings: ServeSettings, listening: socket.socket, serves: Event) -> None:
    """A worker process, which sets `serves` once it does."""
    from chromseg.serving.app import create_app
    from chromseg.serving.models import RegistrySource

    start_logging()
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    _limit_threads(settings)
    try:
        app = create_app(settings, RegistrySource(settings.model, settings.device))
        _run(settings, app, listening, serves.set, alone=False)
    except ChromsegError as error:
        tell("worker cannot start", error=str(error))
        sys.exit(1)


def _end_with_parent() -> None:
    """End as on SIGTERM when the supervisor was killed: nobody would end this worker otherwise."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _supervise(settings: ServeSettings, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Keep the wanted number of workers alive until told to end."""
    _check_once(settings)
    with tempfile.TemporaryDirectory(prefix="chromseg-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        supervisor = Supervisor(settings, listening, Path(metrics))
        on_ready()
        supervisor.run()


def _check_once(settings: ServeSettings) -> None:
    """Find out here what would keep every worker from starting.

    Raises:
        ChromsegError: Model, keys or device cannot be used.
    """
    from chromseg.registry.resolve import resolve_model
    from chromseg.serving.keys import read_keys

    resolve_model(settings.model)
    if settings.api_keys:
        read_keys(Path(settings.api_keys))
    check_device(settings.device)


def check_device(device: str) -> None:
    """Refuse a device that PyTorch cannot use here, without occupying it.

    Raises:
        ConfigError: It is none, or not of this machine.
    """
    import torch

    accelerator, usable = torch.accelerator.current_accelerator(check_available=True), ["cpu"]
    if accelerator is not None:
        usable += [accelerator.type, *(f"{accelerator.type}:{n}" for n in range(torch.accelerator.device_count()))]
    if device not in usable:
        raise ConfigError(
            f"--device {device}",
            expected=", ".join(usable) if len(usable) > 1 else "cpu: PyTorch finds no other device here",
            remedy="choose another, or install the PyTorch made for it",
        )


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
        process = context.Process(target=_work, args=(self._settings, self._listening, serves))
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
        """Have every worker finish what it does, and wait for it."""
        for worker in self._workers:
            worker.process.terminate()
        time.sleep(self._settings.grace)  # so long they answer newcomers
        turn_away(self._listening)
        self._listening.close()
        for worker in self._workers:
            worker.process.join()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
