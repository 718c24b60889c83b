"""What is left when the model does nothing: transport, protocol and decoding."""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.serving.client import Client


def overhead(runs: int = 30) -> dict[str, Any]:
    """A 1600×1200 PNG in and JSON out, through a real server whose model looks at nothing and finds nothing.

    Over one connection, as a lab's program sends a session's pictures, and over a new one for each.
    """
    noise = np.random.default_rng(0).normal(200, 8, (1200, 1600)).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    content = stream.getvalue()
    with idle_server() as url, closing(Client(url)) as kept:
        session = [timed(kept, content) for _ in range(runs + 3)][3:]
        each_anew = [timed(Client(url), content, close=True) for _ in range(runs)]
    return {"session": summary(session), "new_connections": summary(each_anew), "bytes": len(content)}


def summary(times: list[float]) -> dict[str, float]:
    return {"median_s": round(statistics.median(times), 4), "best_s": round(min(times), 4)}


def timed(client: Client, content: bytes, close: bool = False) -> float:
    start = time.perf_counter()
    status, _ = client.segment(content)
    assert status == 200, status
    if close:
        client.close()
    return time.perf_counter() - start


@contextmanager
def idle_server() -> Iterator[str]:
    """The whole server with a predictor that does nothing: what is left is transport, protocol and decoding."""
    code = "from benchmarks.serving.overhead import serve_idle; serve_idle()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def serve_idle() -> None:
    from chromseg.serving.app import create_app
    from chromseg.serving.listening import address_of, bind
    from chromseg.serving.patient import PatientServer
    from chromseg.serving.settings import ServeSettings

    settings = ServeSettings(port=0, rate=0, poll=0, splicers=0)
    app = create_app(settings, IdleSource())
    with bind(settings) as listening:
        print(address_of(listening), flush=True)
        PatientServer(settings, app).run([listening])


class IdleSource:
    """Where the model that does nothing comes from."""

    def current(self) -> None:
        """Always the same."""

    def load(self, version: int | None) -> Any:
        """It; whoever loads a model keeps freed memory too."""
        from chromseg.memory import keep_freed_memory
        from chromseg.serving.models import Loaded

        keep_freed_memory()
        return Loaded(idle_predictor())


def idle_predictor() -> Any:
    from chromseg.config import ModelConfig
    from chromseg.images.pictures import Picture
    from chromseg.inference.asked import Asked
    from chromseg.inference.found import Found
    from chromseg.inference.predictor import Predictor
    from chromseg.inference.prepared import Prepared
    from chromseg.inference.result import ModelIdentity
    from chromseg.inference.view import View
    from chromseg.models.package import ModelCard
    from chromseg.validation import Report

    class Idle(Predictor):
        def infer(self, absorbance: Any) -> None:
            return None

        def solve(self, absorbance: Any, answer: Any, most: int | None = None) -> Found:
            return Found(np.zeros((0, *absorbance.shape), dtype=bool), (), (), ())

        def conclude(self, absorbance: Any, answer: Any) -> tuple[Found, Found]:
            return self.solve(absorbance, answer), self.solve(absorbance, answer)

        def prepare(self, picture: Picture, asked: Asked, **options: Any) -> Prepared:
            grey = picture.page(asked.page).grey
            view, verdict = View("dark-on-light", grey, 1.0), Report("", 0, (), ()).to_json()
            return Prepared(view, grey, verdict, picture.sha256, asked.page, "", self.identity)

    card = ModelCard("idle", ModelConfig("unet"))
    return Idle(card, ModelIdentity("idle", None, None, {}, None, {}, ""))
