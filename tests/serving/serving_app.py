"""Servers for tests: in this process (`client`), and a real one on a free port (`running_server`)."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from drawn_cells import drawn_cell, threshold_predictor
from fastapi.testclient import TestClient
from PIL import Image

from chromseg.inference.predictor import Predictor
from chromseg.serving.app import create_app
from chromseg.serving.listening import address_of, bind
from chromseg.serving.models import Loaded
from chromseg.serving.patient import PatientServer
from chromseg.serving.settings import ServeSettings

BASE = "http://127.0.0.1"


class MemorySource:
    """Versions made in memory; `wanted` is what the alias would name."""

    def __init__(self, predictor: Predictor | None = None, versions: dict[int, Predictor] | None = None) -> None:
        self.versions = versions or {1: predictor or threshold_predictor()}
        self.wanted = min(self.versions)
        self.loads = 0

    def current(self) -> int:
        return self.wanted

    def load(self, version: int | None) -> Loaded:
        self.loads += 1
        predictor = self.versions[version or 1]
        return Loaded(replace(predictor, identity=replace(predictor.identity, version=str(version))), version)


def settings(**changes: Any) -> ServeSettings:
    """Settings for quick tests: stage 2 in threads, no looking for other versions."""
    return ServeSettings(**({"splicers": 0, "poll": 0, "port": 0, "grace": 0.1} | changes))


@contextmanager
def client(source: MemorySource | None = None, **changes: Any) -> Iterator[TestClient]:
    """A client of an application in this process; `.app.state.engine` is at hand."""
    app = create_app(settings(**changes), source or MemorySource())
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as found:
        yield found


@contextmanager
def running_server(
    predictor: Predictor | None = None,
    source: MemorySource | None = None,
    others: Sequence[MemorySource] = (),
    **changes: Any,
) -> Iterator[str]:
    """The URL of a real server in a thread of this process; at the end it shuts down as on SIGTERM."""
    chosen = settings(**changes)
    app = create_app(chosen, source or MemorySource(predictor), others)
    listening = bind(chosen)
    server = PatientServer(chosen, app)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join(120)


def png(pixels: np.ndarray | None = None, format: str = "PNG", **options: Any) -> bytes:
    """An encoded image; by default the drawn cell."""
    stream = io.BytesIO()
    Image.fromarray(drawn_cell()[0] if pixels is None else pixels).save(stream, format, **options)
    return stream.getvalue()


def cell_file(folder: Path, name: str = "cell.png") -> Path:
    """The drawn cell as a file."""
    path = folder / name
    path.write_bytes(png())
    return path
