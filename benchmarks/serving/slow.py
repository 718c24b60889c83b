"""Clients that send nothing, half a head, or a body in drops: two thousand of them, and what they cost the others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.serving.client import Client
from benchmarks.serving.load import percentiles
from benchmarks.serving.server import server

COUNT = 2_000
_HEAD = b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n"
STARTS = (b"", _HEAD, _HEAD + b"\r\n")  # the last goes on, a byte a second
_AGAIN = 1.0  # seconds after which one whose connection was closed comes again


def slow(model: Path, image: bytes, seconds: float = 30, count: int = COUNT) -> dict[str, Any]:
    """Seconds that ordinary pictures take with and without the slow clients, of one address and of a hundred.

    The ordinary ones come from an address of their own: over a connection that is kept, and over a new one for each.
    """
    with server("--model", model, "--rate", 0) as (url, _):
        figures = {"alone": good(url, image, seconds)}
        for addresses in (1, 100):
            with crowd(url, count, addresses):
                figures[f"beside_{count}_of_{addresses}"] = good(url, image, seconds)
    return figures


def good(url: str, image: bytes, seconds: float) -> dict[str, Any]:
    """Times of two clients that take turns, one of which opens a connection for every picture."""
    kept, anew = list[float](), list[float]()
    until = time.monotonic() + seconds
    with closing(Client(url)) as client:
        while time.monotonic() < until:
            kept.append(_timed(client, image))
            with closing(Client(url)) as another:
                anew.append(_timed(another, image))
    return {"kept": percentiles(kept), "new_connections": percentiles(anew)}


def _timed(client: Client, image: bytes) -> float:
    start = time.perf_counter()
    status, _ = client.segment(image)
    assert status == 200, status
    return time.perf_counter() - start


@contextmanager
def crowd(url: str, count: int, addresses: int) -> Iterator[None]:
    """Slow clients in a process of their own, of so many addresses of this machine; most of them have come once."""
    code = f"from benchmarks.serving.slow import press; press({url!r}, {count}, {addresses})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline(), "the slow clients did not come"
            yield
        finally:
            process.kill()


def press(url: str, count: int, addresses: int) -> None:
    """Be the slow clients, until killed."""
    asyncio.run(_press(url, count, addresses))


async def _press(url: str, count: int, addresses: int) -> None:
    host, port = url.removeprefix("http://").split(":")
    came = set[int]()

    async def one(number: int) -> None:
        start, own = STARTS[number % len(STARTS)], f"127.0.1.{1 + number % addresses}"
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(host, int(port), local_addr=(own, 0))
                came.add(number)
                writer.write(start)
                while start is STARTS[-1] and not reader.at_eof():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(1000), 1)
                    writer.write(b"x")
                while await reader.read(1000):
                    pass
                writer.close()
            await asyncio.sleep(_AGAIN)

    clients = [asyncio.create_task(one(number)) for number in range(count)]
    while len(came) < 0.9 * count:
        await asyncio.sleep(0.1)
    print("here", flush=True)
    await asyncio.gather(*clients)
