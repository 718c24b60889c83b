"""What serving costs and stands: overhead, throughput, latency under load, and a long run with everything going wrong.

    python -m benchmarks.serving [--model bundled/chromseg] [--image CELL.png] [--requests 10000] [--seconds 60]
                                 [--only overhead throughput latency endurance hostile slow limits]
                                 [--out reports/serving.json]

Server and clients share the same cores, and the work of clients counts against the server. They send a cut-out of the
built-in sample, 256×256, unless `--image` names another picture. Full length: under 40 minutes on two cores.
"""

from __future__ import annotations

import argparse
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.serving.client import CLIENTS
from benchmarks.serving.endurance import endurance
from benchmarks.serving.hostile import hostile
from benchmarks.serving.limits import limits
from benchmarks.serving.load import latency, throughput
from benchmarks.serving.overhead import overhead
from benchmarks.serving.slow import slow
from chromseg.files import write_json
from chromseg.registry.lineage.gather import git_state, hardware

PARTS = ("overhead", "throughput", "latency", "endurance", "hostile", "slow", "limits")


def main() -> None:
    arguments = parse_arguments()
    image = arguments.image.read_bytes() if arguments.image else cut_out()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "overhead": overhead,
        "throughput": lambda: throughput(arguments.model, image, arguments.seconds),
        "latency": lambda: latency(arguments.model, image, arguments.seconds),
        "endurance": lambda: endurance(arguments.model, image, arguments.requests),
        "hostile": lambda: hostile(arguments.model, image),
        "slow": lambda: slow(arguments.model, image, arguments.seconds),
        "limits": lambda: limits(arguments.model, image, 5 * arguments.seconds),
    }
    figures: dict[str, Any] = {"git_commit": git_state()[0], "hardware": hardware()}
    figures |= {"clients": CLIENTS, "load_before": os.getloadavg()[0]}
    for name in arguments.only or parts:
        figures[name] = parts[name]()
        print(name, json.dumps(figures[name]), flush=True)
    if arguments.out:
        write_json(arguments.out, figures)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("bundled/chromseg"), help="model folder")
    parser.add_argument("--image", type=Path, help="picture to send")
    parser.add_argument("--requests", type=int, default=10_000, help="of the long run")
    parser.add_argument("--seconds", type=float, default=60, help="of each throughput and latency measurement")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    return parser.parse_args()


def cut_out(side: int = 256) -> bytes:
    """A piece of the built-in sample, as PNG."""
    file = next(iter(sorted(Path("data/sample/images").rglob("*.png"))))
    stream = io.BytesIO()
    with Image.open(file) as picture:
        picture.crop((0, 0, side, side)).save(stream, "PNG")
    return stream.getvalue()


if __name__ == "__main__":
    main()
