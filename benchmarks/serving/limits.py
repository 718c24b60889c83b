"""A server with little memory and few descriptors, and all at once: good, hostile, slow, gone before the answer."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]

from benchmarks.serving.client import Client
from benchmarks.serving.endurance import resident
from benchmarks.serving.hostile import hostile_pictures, sampled
from benchmarks.serving.load import percentiles
from benchmarks.serving.server import server
from benchmarks.serving.slow import crowd

DESCRIPTORS, MEMORY = 1024, 4 * 2**30  # that the system gives each process of the server; bytes that it may write to
HOSTILE = range(30)
_GOOD, _ABORTING = 2, 2  # clients; one sends what is hostile
_THIRDS = 3
_REST = 70.0  # seconds after which an idle server has given back what it can


@dataclass
class Figures:
    """Seconds of good requests that were answered right, what became of the others, and of what else was sent."""

    good: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    hostile: Counter[str] = field(default_factory=Counter)
    aborted: int = 0


def limits(model: Path, image: bytes, seconds: float = 300, slow: int = 1_500) -> dict[str, Any]:
    """Good requests' times and failures beside all others, and the server's memory and descriptors all the while."""
    under = ("prlimit", f"--nofile={DESCRIPTORS}", f"--data={MEMORY}")
    pictures = [*hostile_pictures(HOSTILE)]
    with server("--model", model, "--rate", 0, "--splicers", 1, under=under) as (url, process):
        idle = state(process)
        with sampled(lambda: state(process), pause=1.0) as states, crowd(url, slow, addresses=100):
            figures = everybody(url, image, pictures, seconds)
        with closing(Client(url)) as client:
            status, _ = client.segment(image)
        assert status == 200, f"after all that the server answers {status}"
        time.sleep(_REST)
        left = state(process)
    return {
        "seconds": seconds,
        "good": percentiles(figures.good),
        "good_failed": dict(figures.failed),
        "hostile": dict(figures.hostile),
        "aborted": figures.aborted,
        "slow": slow,
        "idle": idle,
        "left": left,
        "memory_mib_by_third": [round(max(part[:, 0])) for part in np.array_split(np.array(states), _THIRDS)],
        "descriptors_by_third": [round(max(part[:, 1])) for part in np.array_split(np.array(states), _THIRDS)],
    }


def state(process: subprocess.Popen[str]) -> tuple[int, int]:
    """MiB of the server and all its processes, and the descriptors of the one that has most."""
    descriptors = [0]
    for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        with suppress(psutil.Error):
            descriptors.append(one.num_fds())
    return round(resident(process)), max(descriptors)


def everybody(url: str, image: bytes, pictures: Sequence[bytes], seconds: float) -> Figures:
    """All of them for so many seconds, each kind of an address of its own."""
    figures, until = Figures(), time.monotonic() + seconds
    expected = answer(url, image, "127.0.3.1")[1]["annotations"]

    def good(number: int) -> None:
        while time.monotonic() < until:
            start = time.perf_counter()
            status, body = answer(url, image, f"127.0.3.{1 + number}")
            if status == 200 and body["annotations"] == expected:
                figures.good.append(time.perf_counter() - start)
            else:
                figures.failed["wrong instances" if status == 200 else str(status)] += 1

    def hostile(number: int) -> None:
        for content in around(pictures, until):
            figures.hostile[str(answer(url, content, "127.0.4.1")[0])] += 1

    def aborting(number: int) -> None:
        rng = random.Random(number)
        for content in around([image, *pictures], until):
            with suppress(OSError), closing(connected(url, f"127.0.5.{1 + number}")) as connection:
                connection.request("POST", rng.choice(("/v1/segment", "/v1/jobs", "/v1/segment?format=zip")), content)
                time.sleep(rng.uniform(0, 0.5))
                figures.aborted += 1

    acts: list[tuple[Callable[[int], None], int]] = [(good, number) for number in range(_GOOD)]
    acts += [(hostile, 0), *((aborting, number) for number in range(_ABORTING))]
    with ThreadPoolExecutor(len(acts)) as clients:
        for done in [clients.submit(act, number) for act, number in acts]:
            done.result()
    return figures


def around(contents: Sequence[bytes], until: float) -> Iterator[bytes]:
    """These again and again, until the time is up."""
    while True:
        for content in contents:
            if time.monotonic() >= until:
                return
            yield content


def answer(url: str, content: bytes, address: str) -> tuple[int | str, Any]:
    """Status and body over a connection of its own; what broke it, in place of a status."""
    try:
        with closing(connected(url, address)) as connection:
            connection.request("POST", "/v1/segment", content)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, None


def connected(url: str, address: str) -> http.client.HTTPConnection:
    """A connection from an address of this machine."""
    return http.client.HTTPConnection(url.removeprefix("http://"), timeout=300, source_address=(address, 0))
