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
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

import uvicorn

from chromseg.errors import ConfigError, OutputError
from chromseg.serving.logs import start_logging, tell
from chromseg.serving.settings import ServeSettings

_BACKLOG = 2048
_PAUSE = 2.0  # seconds before a worker that died young is replaced


class PatientServer(uvicorn.Server):
    """Gives requests that are already on their way a moment to arrive before connections are closed.

    Args:
        config: uvicorn's.
        grace: Seconds.
    """

    def __init__(self, config: uvicorn.Config, grace: float) -> None:
        super().__init__(config)
        self._grace = grace

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, wait, then end as uvicorn does: after every request in work is answered."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(self._grace)
        await super().shutdown(sockets)


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


def bind(settings: ServeSettings) -> socket.socket:
    """A listening socket.

    Raises:
        OutputError: The address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise OutputError(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror or error})",
            expected="a free port of this machine",
            remedy="choose another --port, or end the program that has it",
        ) from error


def address_of(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _serve_here(settings: ServeSettings, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    from chromseg.serving.app import create_app
    from chromseg.serving.models import RegistrySource

    _limit_threads(settings)
    app = create_app(settings, RegistrySource(settings.model, settings.device))
    on_ready()
    _run(settings, app, listening)


def _run(settings: ServeSettings, app: object, listening: socket.socket) -> None:
    """Serve; uvicorn raises the signal that ended it once more when all is done, which then means nothing."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: None)
    PatientServer(_config(settings, app), settings.grace).run([listening])


def _config(settings: ServeSettings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.behind_proxy,
        backlog=_BACKLOG,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )


def _limit_threads(settings: ServeSettings) -> None:
    """Share the cores: several networks that each take all of them are slower together."""
    import torch

    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(settings.threads or max(1, min(torch.get_num_threads(), cores // settings.workers)))


def _work(settings: ServeSettings, listening: socket.socket) -> None:
    """A worker process."""
    from chromseg.serving.app import create_app
    from chromseg.serving.models import RegistrySource

    start_logging()
    _limit_threads(settings)
    _run(settings, create_app(settings, RegistrySource(settings.model, settings.device)), listening)


def _supervise(settings: ServeSettings, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Keep the wanted number of workers alive until told to end."""
    from chromseg.registry.resolve import resolve_model

    resolve_model(settings.model)  # its error, if any, is told once and not by every worker
    with tempfile.TemporaryDirectory(prefix="chromseg-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        supervisor = Supervisor(settings, listening, Path(metrics))
        on_ready()
        supervisor.run()


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
        self._workers: dict[SpawnProcess, float] = {}

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        for _ in range(self._settings.workers):
            self._start()
        while self._workers:
            wait([worker.sentinel for worker in self._workers], timeout=0.5)
            for worker in [worker for worker in self._workers if not worker.is_alive()]:
                self._bury(worker)

    def _start(self) -> None:
        worker = multiprocessing.get_context("spawn").Process(target=_work, args=(self._settings, self._listening))
        worker.start()
        self._workers[worker] = time.monotonic()

    def _bury(self, worker: SpawnProcess) -> None:
        """Forget a dead worker, and put another in its place unless all are to end."""
        from prometheus_client.multiprocess import mark_process_dead

        young = time.monotonic() - self._workers.pop(worker) < _PAUSE
        mark_process_dead(worker.pid, str(self._metrics))  # type: ignore[no-untyped-call]
        if self._ending:
            return
        tell("worker died", pid=worker.pid, exitcode=worker.exitcode)
        if young:
            time.sleep(_PAUSE)
        self._start()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending = True
        for worker in self._workers:
            if worker.pid is not None and worker.is_alive():
                os.kill(worker.pid, signal.SIGTERM)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
