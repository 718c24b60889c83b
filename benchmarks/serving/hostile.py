"""Pictures of at most 64 kB that are made to cost as much as they can, and what they cost others beside them."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import psutil  # type: ignore[import-untyped]
from PIL import Image, ImageDraw

from benchmarks.serving.client import Client
from benchmarks.serving.endurance import resident
from benchmarks.serving.load import percentiles
from benchmarks.serving.server import server
from chromseg.arrays import U8

COUNT, MOST_BYTES = 200, 64_000
Rng: TypeAlias = np.random.Generator
T = TypeVar("T")


def hostile_pictures(numbers: Sequence[int] = range(COUNT)) -> Iterator[bytes]:
    """The pictures of these numbers, each the same every time: all kinds in turn, with other sizes and densities."""
    for number in numbers:
        yield hostile_picture(KINDS[number % len(KINDS)], np.random.default_rng(number))


def hostile_picture(kind: Callable[[Rng, int, int], U8], rng: Rng) -> bytes:
    """A picture of a kind, cropped until its file is small enough."""
    height, width = (int(side) for side in rng.integers(300, 4000, 2))
    pixels = kind(rng, height, width)
    while True:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        if stream.tell() <= MOST_BYTES:
            return stream.getvalue()
        pixels = pixels[: max(1, int(0.8 * len(pixels))), : max(1, int(0.8 * pixels.shape[1]))]


def checkerboard(rng: Rng, height: int, width: int) -> U8:
    side = int(rng.integers(2, 40))
    rows, cols = np.ogrid[:height, :width]
    return np.asarray(40 + 180 * ((rows // side + cols // side) % 2), dtype=np.uint8)


def discs(rng: Rng, height: int, width: int) -> U8:
    """Thousands of blobs in rows, each as large as a chromosome is wide, or smaller."""
    pitch, radius = int(rng.integers(6, 40)), int(rng.integers(2, 16))
    rows, cols = np.ogrid[:height, :width]
    away = (rows % pitch - pitch // 2) ** 2 + (cols % pitch - pitch // 2) ** 2
    return np.asarray(np.where(away < radius**2, 60, 220), dtype=np.uint8)


def lines(rng: Rng, height: int, width: int) -> U8:
    """Bars from edge to edge that all cross one another."""
    picture = Image.new("L", (width, height), 220)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(5, 120))):
        ends = rng.random((2, 2)) * (width, height)
        draw.line([tuple(end) for end in ends.tolist()], fill=int(rng.integers(30, 90)), width=int(rng.integers(4, 20)))
    return np.asarray(picture)


def rings(rng: Rng, height: int, width: int) -> U8:
    rows, cols = np.ogrid[:height, :width]
    away = np.hypot(rows - height / 2, cols - width / 2)
    return np.asarray(np.where(away % int(rng.integers(8, 60)) < int(rng.integers(3, 20)), 60, 220), dtype=np.uint8)


def text(rng: Rng, height: int, width: int) -> U8:
    """A screenshot full of letters."""
    picture = Image.new("L", (width, height), 245)
    draw, letters = ImageDraw.Draw(picture), "".join(map(chr, rng.integers(33, 126, 160)))
    for top in range(0, height, int(rng.integers(12, 40))):
        draw.text((0, top), letters * 4, fill=20)
    return np.asarray(picture)


def comb(rng: Rng, height: int, width: int) -> U8:
    """One object of endless outline."""
    teeth = int(rng.integers(6, 30))
    rows, cols = np.ogrid[:height, :width]
    return np.asarray(np.where((cols % teeth < teeth // 2) | (rows < teeth), 60, 220), dtype=np.uint8)


def specks(rng: Rng, height: int, width: int) -> U8:
    """Sparse noise: tens of thousands of single pixels."""
    picture = np.full((height, width), 220, np.uint8)
    count = int(rng.integers(2_000, 15_000))
    picture[rng.integers(0, height, count), rng.integers(0, width, count)] = 40
    return picture


def tangle(rng: Rng, height: int, width: int) -> U8:
    """A hundred bent chromosomes in one heap."""
    picture = Image.new("L", (min(width, 1200), min(height, 1200)), 220)
    draw, middle = ImageDraw.Draw(picture), np.array(picture.size) / 2
    for _ in range(int(rng.integers(30, 150))):
        walk = middle + rng.normal(0, 120, 2) + np.cumsum(rng.normal(0, 14, (6, 2)), axis=0)
        draw.line([tuple(point) for point in walk.tolist()], fill=int(rng.integers(40, 120)), width=12, joint="curve")
    return np.asarray(picture)


def strip(rng: Rng, height: int, width: int) -> U8:
    return np.tile(checkerboard(rng, 24, 300), (1, 12 * int(rng.integers(2, 60))))


def gradient(rng: Rng, height: int, width: int) -> U8:
    return np.asarray(np.add.outer(np.arange(height), np.arange(width)) // int(rng.integers(1, 40)) % 256, np.uint8)


KINDS = (checkerboard, discs, lines, rings, text, comb, specks, tangle, strip, gradient)


def hostile(model: Path, image: bytes, numbers: Sequence[int] = range(COUNT), before: int = 30) -> dict[str, Any]:
    """What each costs a server in CPU and memory, and how long another client's ordinary pictures take beside them."""
    with server("--model", model, "--rate", 0) as (url, process):
        idle = resident(process)
        with sampled(lambda: resident(process)) as memory:
            costs = [cpu for _, cpu in answers(url, process, numbers)]
        alone = [*ordinary(url, image, count=before)]
        beside: list[float] = []
        done = threading.Event()
        other = threading.Thread(target=lambda: beside.extend(ordinary(url, image, until=done)))
        other.start()
        try:
            statuses = [status for status, _ in answers(url, process, numbers)]
        finally:
            done.set()
            other.join()
    return {
        "statuses": {str(status): statuses.count(status) for status in sorted(set(statuses))},
        "worst_cpu_s": round(max(costs), 2),
        "memory_above_idle_mib": round(max(memory) - idle),
        "others_alone": percentiles(alone),
        "others_beside": percentiles(beside),
    }


def answers(url: str, process: Any, numbers: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Status and CPU seconds of each picture, one after the other."""
    for content in hostile_pictures(numbers):
        spent = cpu_of(process)
        with closing(Client(url)) as client:  # a new one: to make a picture may take longer than a connection is kept
            status, _ = client.segment(content)
        yield status, cpu_of(process) - spent


@contextmanager
def sampled(measure: Callable[[], T], pause: float = 0.2) -> Iterator[list[T]]:
    """What is measured again and again, at least once at the beginning, as long as the block lasts."""
    values, done = [measure()], threading.Event()

    def sample() -> None:
        while not done.wait(pause):
            values.append(measure())

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        yield values
    finally:
        done.set()
        sampling.join()


def ordinary(url: str, image: bytes, count: int | None = None, until: threading.Event | None = None) -> Iterator[float]:
    """Seconds of ordinary pictures, one after the other."""
    with closing(Client(url)) as client:
        sent = 0
        while sent != count and not (until is not None and until.is_set()):
            start = time.perf_counter()
            status, _ = client.segment(image)
            assert status == 200, status
            yield time.perf_counter() - start
            sent += 1


def cpu_of(process: Any) -> float:
    """CPU seconds of a server and its processes so far."""
    parts = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    return float(sum(sum(one.cpu_times()[:2]) for one in parts))
