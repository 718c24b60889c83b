"""Throughput and latency under load."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving.client import CLIENTS, Client, once
from benchmarks.serving.server import server


def throughput(model: Path, image: bytes, seconds: float) -> dict[str, Any]:
    """Answers a second under 16 clients, over those of a loop in one process; measured in turns, twice."""
    pairs = []
    for _ in range(2):
        alone = loop_rate(model, image, seconds / 2)
        with server("--model", model, "--rate", 0) as (url, _):
            pairs.append((alone, closed_loop(url, image, seconds / 2)))
    loop, served = (statistics.mean(rates) for rates in zip(*pairs, strict=True))
    return {"loop_per_s": round(loop, 2), "served_per_s": round(served, 2), "ratio": round(served / loop, 3)}


def loop_rate(model: Path, image: bytes, seconds: float) -> float:
    """Decode, validate, predict, JSON, in a process of its own."""
    code = f"from benchmarks.serving.load import loop; loop({str(model)!r}, {seconds})"
    answer = subprocess.run([sys.executable, "-c", code], input=image, capture_output=True, check=True)
    return float(answer.stdout)


def loop(model: str, seconds: float) -> None:
    from chromseg.inference.exports import to_coco
    from chromseg.inference.load import predictor_from_folder

    predictor, image = predictor_from_folder(Path(model)), sys.stdin.buffer.read()
    json.dumps(to_coco(predictor.predict(image)))
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        json.dumps(to_coco(predictor.predict(image)))
        count += 1
    print(count / (time.perf_counter() - start))


def closed_loop(url: str, image: bytes, seconds: float) -> float:
    """Answers a second to clients that each send again as soon as they are answered."""
    once(url, image)
    counts, start = Counter[int](), time.perf_counter()

    def ask(number: int) -> None:
        with closing(Client(url)) as client:
            while time.perf_counter() - start < seconds:
                counts[client.segment(image)[0]] += 1

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(ask, range(CLIENTS)))
    assert set(counts) == {200}, counts
    return counts[200] / (time.perf_counter() - start)


def latency(model: Path, image: bytes, seconds: float, load: float = 0.8) -> dict[str, Any]:
    """Times at 80 % of the highest throughput: clients that send at even intervals, and at random (Poisson) ones."""
    with server("--model", model, "--rate", 0) as (url, _):
        rate = load * closed_loop(url, image, seconds / 3)
        even = open_loop(url, image, seconds, lambda: 1 / rate)
        poisson = open_loop(url, image, seconds, lambda: random.expovariate(rate))
    return {"rate_per_s": round(rate, 2), "even": percentiles(even), "poisson": percentiles(poisson)}


def open_loop(url: str, image: bytes, seconds: float, pause: Callable[[], float]) -> list[float]:
    """Seconds from when each request was due until it was answered; late clients do not make the server look good."""
    times: list[float] = []

    def ask(due: float) -> None:
        once(url, image)
        times.append(time.perf_counter() - due)

    with ThreadPoolExecutor(4 * CLIENTS) as clients:
        due = start = time.perf_counter()
        while due - start < seconds:
            time.sleep(max(0.0, due - time.perf_counter()))
            clients.submit(ask, due)
            due += pause()
    return times


def percentiles(times: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_s": round(p50, 4), "p99_s": round(p99, 4), "p99_over_p50": round(p99 / p50, 2), "n": len(times)}
