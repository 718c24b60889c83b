"""One process that serves: the server itself, or a worker of several on one socket."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from multiprocessing.synchronize import Event

from chromseg.cores import usable_cores
from chromseg.errors import ChromsegError, OutputError
from chromseg.serving.logs import start_logging, stderr_of_libraries, tell
from chromseg.serving.parent import when_parent_ends
from chromseg.serving.patient import PatientServer
from chromseg.serving.settings import ServeSettings


def limit_threads(settings: ServeSettings) -> None:
    """Share the cores: several networks that each take all of them are slower together."""
    import torch

    most = max(1, usable_cores() // settings.workers)
    torch.set_num_threads(settings.threads or min(torch.get_num_threads(), most))


def run_app(
    settings: ServeSettings, app: object, listening: socket.socket, on_ready: Callable[[], None], alone: bool = True
) -> None:
    """Serve.

    Raises:
        OutputError: The application did not start.
    """
    server = PatientServer(settings, app, on_ready, alone)
    for number in (signal.SIGTERM, signal.SIGINT):  # before uvicorn does, and after: it raises at its end what ended it
        signal.signal(number, server.handle_exit)
    try:
        with stderr_of_libraries():
            server.run([listening])
    except SystemExit as error:  # of uvicorn, which has logged why
        raise OutputError(
            "the server did not start", expected="its processes to start", remedy="see the log above"
        ) from error


def work(settings: ServeSettings, listening: socket.socket, serves: Event) -> None:
    """A worker process, which sets `serves` once it does."""
    from chromseg.serving.app import create_app  # with PyTorch and Prometheus, after their settings are made
    from chromseg.serving.sources import sources_of

    start_logging()
    when_parent_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))
    limit_threads(settings)
    try:
        source, *others = sources_of(settings)
        app = create_app(settings, source, others)
        run_app(settings, app, listening, serves.set, alone=False)
    except ChromsegError as error:
        tell("worker cannot start", error=str(error))
        sys.exit(1)
