"""A server of its own process, ready to answer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.serving.client import Client


@contextmanager
def server(
    *arguments: object, cwd: Path | None = None, under: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A `chromseg-ops serve` that is ready; `under` is a command that runs it."""
    code = "from chromseg.cli.app import main; main()"
    words = [*under, sys.executable, "-c", code, "serve", "--port", "0", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    if cwd is not None:
        environment.pop("MLFLOW_TRACKING_URI", None)
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment) as process:
        stream = process.stderr
        assert stream is not None
        drain = threading.Thread(target=lambda: [None for _ in stream], daemon=True)
        try:
            line = stream.readline()
            while " on http://" not in line:
                assert line, "the server did not start"
                line = stream.readline()
            url = line.split()[2]
            drain.start()
            wait_ready(url)
            yield url, process
        finally:
            process.terminate()
            process.wait(120)
            if drain.is_alive():
                drain.join(60)  # `Popen` closes the pipe next, under its reader's hands


def wait_ready(url: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with closing(Client(url)) as probe:
                if probe.get("/readyz")["ready"]:
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)
