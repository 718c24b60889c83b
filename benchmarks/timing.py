"""How long a user waits: one whole metaphase from the file to written chromosomes, family by family, step by step.

    python -m benchmarks.timing --image PATH/TO/metaphase.jpg [--models bundled/chromseg models:/ucrd-net@champion …]
                                [--runs 10] [--threads 2] [--out reports/timing.json]

Start-up (imports, loading the model) is not counted. Medians over the runs after one warm-up. Of a detector's time the
shares of RoIAlign, NMS and pasting masks are told, as PyTorch's profiler and the predictor's own clock see them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from chromseg import load_predictor
from chromseg.annotations.absorbance import FloatArray
from chromseg.files import write_json
from chromseg.inference.batch import Job
from chromseg.inference.cascade import Cascade
from chromseg.inference.files import PictureWorker
from chromseg.inference.found import Clock
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.predictor import Predictor
from chromseg.registry.provenance import git_state, hardware

OPERATORS = {"roi_align": "torchvision::roi_align", "nms": "torchvision::nms"}


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    figures: dict[str, Any] = {
        "runs": arguments.runs,
        "threads": arguments.threads,
        "git_commit": git_state()[0],
        "hardware": hardware(),
        "models": {},
    }
    for model in arguments.models:
        predictor = load_predictor(model)
        figures["models"][model] = figures_of(predictor, arguments.image, arguments.runs)
        print(model, figures["models"][model])
    write_json(arguments.out, figures)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument(
        "--models", nargs="+", default=["models:/chromseg@champion"], help="folders or registered models"
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=Path("reports/timing.json"))
    return parser.parse_args()


def figures_of(predictor: Predictor, image: Path, runs: int) -> dict[str, Any]:
    """All figures of one model."""

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            PictureWorker(predictor)(Job(image, Path(folder) / "out"))

    cutout = np.random.default_rng(0).random((256, 256), dtype=np.float32)
    result = predictor.predict(image)
    figures = {
        "family": predictor.card.architecture.architecture,
        "weights_sha256": predictor.identity.weights_sha256,
        "image": f"{result.absorbance.shape[1]}x{result.absorbance.shape[0]}, {len(result.instances)} chromosomes",
        "file_to_written_chromosomes_ms": median_ms(whole, runs),
        "network_256x256_ms": median_ms(lambda: predictor.infer(cutout), runs),
        "steps_ms": result.timings_ms,
    }
    detector = predictor.detector if isinstance(predictor, Cascade) else predictor
    if isinstance(detector, InstancePredictor):
        figures["detector_shares"] = detector_shares(detector, result.absorbance)
    return figures


def median_ms(work: Callable[[], object], runs: int) -> float:
    """Median milliseconds of `runs` calls after one that is not counted."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times[1:]), 1)


def detector_shares(predictor: InstancePredictor, absorbance: FloatArray) -> dict[str, float]:
    """Which part of finding the instances RoIAlign, NMS and pasting take, 0–1."""
    predictor.find(absorbance)
    clock = Clock()
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        predictor.find(absorbance, clock)
    total = sum(clock.times.values())
    operators = {event.key: event.cpu_time_total / 1000 for event in recorded.key_averages()}
    spent = {name: operators.get(key, 0.0) for name, key in OPERATORS.items()} | {"pasting": clock.times["paste"]}
    return {name: round(milliseconds / total, 3) for name, milliseconds in spent.items()}


if __name__ == "__main__":
    main()
