"""How long a user waits: one whole metaphase from the file to written chromosomes, family by family, step by step.

    python -m benchmarks.timing --image PATH/TO/metaphase.jpg [--models bundled/chromseg models:/ucrd-net@champion …]
                                [--runs 10] [--threads 2] [--out reports/timing.json]

By default the bundled models. Start-up (imports, loading the model) is not counted. Medians over the runs after one
warm-up. What a detector does beside convolutions is given as shares of the whole way: RoIAlign; NMS of proposals, boxes
and masks, the search for duplicates included; pasting masks into the picture.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torchvision.ops.boxes as torchvision_boxes

from chromseg import load_predictor
from chromseg.files import write_json
from chromseg.inference import instance_predictor
from chromseg.inference.batch import Job
from chromseg.inference.files import PictureWorker
from chromseg.inference.predictor import Predictor
from chromseg.models.ucrd_net import detection, region, roi_reader
from chromseg.registry.lineage.gather import git_state, hardware

BUNDLED = ("bundled/chromseg", "bundled/ucrd-net", "bundled/cascade")

# what is watched, and in which modules it is called
WATCHED: dict[str, tuple[tuple[Any, str], ...]] = {
    "roi_align": ((roi_reader, "pool_rois"), (region, "pool_rois"), (region, "sample_parts")),
    "nms": (
        (torchvision_boxes, "batched_nms"),  # of proposals
        (detection, "nms"),
        (detection, "soft_nms"),
        (detection, "mask_nms"),
        (instance_predictor, "without_duplicates"),
    ),
    "pasting": ((instance_predictor, "whole_masks"),),
}


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
        figures["models"][model] = figures_of(load_predictor(model), arguments.image, arguments.runs)
        print(model, figures["models"][model])
    write_json(arguments.out, figures)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=list(BUNDLED), help="folders or registered models")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("reports/timing.json"))
    return parser.parse_args()


def figures_of(predictor: Predictor, image: Path, runs: int) -> dict[str, Any]:
    """All figures of one model."""

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            PictureWorker(predictor)(Job(image, Path(folder) / "out"))

    cutout = np.random.default_rng(0).random((256, 256), dtype=np.float32)
    result = predictor.predict(image)  # the warm-up
    watch = Stopwatch()
    with watch.watching():
        times = times_of(whole, runs)
    steps = [predictor.predict(image).timings_ms for _ in range(min(runs, 3))]
    return {
        "family": predictor.card.architecture.architecture,
        "weights_sha256": predictor.identity.weights_sha256,
        "image": f"{result.absorbance.shape[1]}x{result.absorbance.shape[0]}, {len(result.instances)} chromosomes",
        "file_to_written_chromosomes_ms": milliseconds(times),
        "shares": watch.shares(sum(times)),
        "steps_ms": {step: round(statistics.median(each[step] for each in steps), 1) for step in steps[0]},
        "network_256x256_ms": milliseconds(times_of(lambda: predictor.infer(cutout), runs)),
    }


def times_of(work: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each of `runs` calls."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times


def milliseconds(times: list[float]) -> float:
    """Their median."""
    return round(1000 * statistics.median(times), 1)


class Stopwatch:
    """Adds up how long the functions of `WATCHED` run; one within another counts once, for the outer."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(WATCHED, 0.0)
        self._inside = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch, and leave the modules as they were."""
        with ExitStack() as stack:
            for name, places in WATCHED.items():
                for module, function in places:
                    stack.enter_context(patch.object(module, function, self._timed(name, getattr(module, function))))
            yield

    def shares(self, total: float) -> dict[str, float]:
        """Of `total` seconds, 0-1, and their sum."""
        shares = {name: round(seconds / total, 3) for name, seconds in self.seconds.items()}
        return shares | {"together": round(sum(self.seconds.values()) / total, 3)}

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            if self._inside:
                return function(*arguments, **named)
            self._inside, start = True, time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[name] += time.perf_counter() - start
                self._inside = False

        return timed


if __name__ == "__main__":
    main()
