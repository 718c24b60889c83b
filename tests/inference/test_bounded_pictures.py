"""No picture that fits an e-mail takes the machine down: what is refused or warned of costs little time and memory."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from clone import Clone
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

LARGEST = 64_000  # bytes
SECONDS, GIGABYTES = 5.0, 2.5


def png(pixels: Any) -> bytes:
    return encoded(pixels, "PNG")


def encoded(pixels: Any, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(stream, kind, **options)
    return stream.getvalue()


def text(width: int, height: int, size: int) -> np.ndarray:
    picture = Image.new("L", (width, height), 250)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for top in range(5, height - size, size + 5):
        draw.text((8, top), "bands bend and chromosomes touch where they cross " * 6, 20, font)
    return np.asarray(picture)


def checks(side: int, period: int) -> np.ndarray:
    field = np.add.outer(np.arange(side) // period, np.arange(side) // period) % 2
    return (40 + 180 * field).astype(np.uint8)


def tiled(side: int, step: int, shape: tuple[int, int]) -> np.ndarray:
    """Soft dark bars, `shape` (rows, columns) each, one in every square of `step` pixels."""
    tile = np.zeros((step, step))
    tile[3 : 3 + shape[0], 3 : 3 + shape[1]] = 0.6 + 0.3 * np.sin(np.arange(shape[0]) / 2)[:, None]
    tile = ndimage.gaussian_filter(tile, 1.2)
    return (232 - 190 * np.tile(tile, (side // step, side // step))).astype(np.uint8)


def maze(side: int, cell: int) -> np.ndarray:
    rng, walls = np.random.default_rng(3), np.zeros((64, 64), bool)
    walls[::2, ::2] = True
    down = rng.random((32, 32)) < 0.5
    walls[1::2, ::2], walls[::2, 1::2] = down, ~down
    field = ndimage.uniform_filter(np.kron(np.where(walls, 60, 230), np.ones((cell, cell))), 3)
    times = side // len(field) + 1
    return np.tile(field, (times, times))[:side, :side].astype(np.uint8)


def sierpinski(side: int) -> np.ndarray:
    row, col = np.indices((side, side))
    return np.where(row & col, 230, 60).astype(np.uint8)


def disk(side: int) -> np.ndarray:
    row, col = np.indices((side, side))
    return (230 - 180 / (1 + np.exp((np.hypot(row - side / 2, col - side / 2) - side * 0.4) / 3))).astype(np.uint8)


def few_bars(side: int) -> np.ndarray:
    field = np.full((side, side), 235, np.uint8)
    for row, col in np.random.default_rng(7).integers(50, side - 50, (40, 2)):
        field[row : row + 30, col : col + 10] = 80
    return field


def nothing_in_colour() -> bytes:
    return encoded(Image.new("P", (10_000, 10_000), 3), "PNG", transparency=b"\x80" * 8)


def one_bit() -> bytes:
    return encoded(Image.fromarray(checks(10_000, 500) > 99), "TIFF", compression="group4")


PICTURES: dict[str, Callable[[], bytes]] = {
    "a screen of text": lambda: png(text(1280, 720, 12)),
    "a little text, thin": lambda: png(text(420, 300, 24)),
    "checkerboard": lambda: png(checks(4000, 20)),
    "fine checkerboard": lambda: png(checks(4000, 8)),
    "soft checkerboard": lambda: png(ndimage.uniform_filter(checks(1400, 14), 5)),
    "stripes": lambda: png(np.tile((40 + 180 * (np.arange(4000) // 10 % 2)).astype(np.uint8), (2000, 1))),
    "thousand bars": lambda: png(tiled(1400, 40, (26, 10))),
    "three hundred bars": lambda: png(tiled(1400, 80, (40, 11))),
    "small bars": lambda: png(tiled(560, 28, (20, 8))),
    "maze": lambda: png(maze(1400, 10)),
    "sierpinski": lambda: png(sierpinski(1024)),
    "one disk": lambda: encoded(disk(1400), "JPEG", quality=20),
    "few bars on a large page": lambda: png(few_bars(5000)),
    "100 megapixels of one bit": lambda: encoded(
        Image.fromarray(checks(10_000, 500) > 99), "TIFF", compression="group4"
    ),
    "100 megapixels of transparency": nothing_in_colour,
    "pages": lambda: encoded(
        Image.fromarray(tiled(480, 28, (20, 8))),
        "TIFF",
        compression="tiff_deflate",
        save_all=True,
        append_images=[Image.fromarray(tiled(480, 28, (20, 8)))] * 12,
    ),
}

# Each picture in a child of its own, forked from one that holds the model, so that its time and memory are its alone.
# What takes long is tried twice and the lesser time counts: neighbours on a busy core cost CPU time as well.
CHILDREN = """
import json, os, resource, sys, time
from pathlib import Path
from chromseg.errors import InputRefusedError
from chromseg.images.pictures import read_picture
from chromseg.inference.asked import Asked
from chromseg.inference.load import predictor_from_folder
predictor = predictor_from_folder(Path(sys.argv[1]))
def tried(path):
    read, write = os.pipe()
    if not os.fork():
        start, told = time.process_time(), ""
        try:
            picture = read_picture(path)
            for page in range(len(picture.pages)):
                try:
                    result = predictor.predict_page(picture, Asked(page=page))
                    told = "; ".join(fault["meaning"] for fault in result.validation["result"]["failures"])
                except InputRefusedError as error:
                    told = str(error)
        except InputRefusedError as error:
            told = str(error)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        os.write(write, json.dumps([path.stem, time.process_time() - start, peak, told[:300]]).encode())
        os._exit(0)
    os.close(write)
    os.wait()
    return json.loads(os.read(read, 4000))
for path in sorted(Path(sys.argv[2]).iterdir()):
    first = tried(path)
    print(json.dumps(first if first[1] < 2 else min(first, tried(path), key=lambda each: each[1])))
"""


@pytest.fixture(scope="module")
def measured(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, float, str]]:
    """CPU seconds, gigabytes at most, and the messages, by picture."""
    root = tmp_path_factory.mktemp("pictures")
    for name, make in PICTURES.items():
        content = make()
        assert len(content) <= LARGEST, (name, len(content))
        (root / f"{name}.img").write_bytes(content)
    clone.dvc("pull", "bundled.dvc")
    code = [sys.executable, "-c", CHILDREN, str(clone.folder / "bundled/chromseg"), str(root)]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    return {name: (cpu, peak, told) for name, cpu, peak, told in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_refused_or_warned_of_and_costs_little(name: str, measured: dict[str, tuple[float, float, str]]) -> None:
    cpu, peak, told = measured[name]
    assert told, "accepted without a word"
    assert cpu <= SECONDS - 2, told  # the rest is for the start
    assert peak <= GIGABYTES, told
