"""Starting the server: one process, or several on one socket."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from chromseg.serving.connections import allow_connections
from chromseg.serving.listening import address_of, bind
from chromseg.serving.logs import start_logging
from chromseg.serving.preflight import check_once, check_shared, check_workers
from chromseg.serving.settings import ServeSettings
from chromseg.serving.supervisor import Supervisor
from chromseg.serving.worker import limit_threads, run_app


def serve(settings: ServeSettings, on_ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve until SIGTERM or Ctrl-C; every request that was begun is answered first.

    Args:
        settings: Of the server.
        on_ready: Called with the address once it listens.

    Raises:
        ChromsegError: The address is taken, or the model or keys cannot be used, or there are too many workers.
    """
    check_workers(settings.workers)
    start_logging()
    allow_connections(settings.connections)
    with bind(settings) as listening:
        url = address_of(listening)
        start = _serve_here if settings.workers == 1 else _supervise
        start(settings, listening, lambda: on_ready(url))


def _serve_here(settings: ServeSettings, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    from chromseg.serving.app import create_app
    from chromseg.serving.sources import sources_of

    limit_threads(settings)
    source, *others = sources_of(settings)
    run_app(settings, create_app(settings, source, others), listening, on_ready)


def _supervise(settings: ServeSettings, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Keep the wanted number of workers alive until a signal ends them."""
    check_once(settings)
    with tempfile.TemporaryDirectory(prefix="chromseg-workers-") as shared:  # which nobody else can enter
        check_shared(shared)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        supervisor = Supervisor(replace(settings, shared=shared), listening, Path(shared))
        on_ready()
        supervisor.run()
