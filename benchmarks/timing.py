"""How long a user waits: stage 1 alone, and one whole metaphase from the file to written chromosomes.

    python -m benchmarks.timing --image PATH/TO/metaphase.jpg [--model models:/chromseg@champion] [--runs 10]

Start-up (imports, loading the model) is not counted. Medians over the runs after one warm-up.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from chromseg import load_predictor
from chromseg.files import write_json
from chromseg.inference.batch import Job
from chromseg.inference.files import PictureWorker
from chromseg.registry.provenance import git_state, hardware


def median_ms(work: Callable[[], object], runs: int) -> float:
    """Median milliseconds of `runs` calls after one that is not counted."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times[1:]), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--model", default="models:/chromseg@champion")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("reports/timing.json"))
    arguments = parser.parse_args()
    predictor = load_predictor(arguments.model)
    cutout = np.random.default_rng(0).random((256, 256), dtype=np.float32)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            PictureWorker(predictor)(Job(arguments.image, Path(folder) / "out"))

    result = predictor.predict(arguments.image)
    figures = {
        "stage_1_256x256_ms": median_ms(lambda: predictor.probabilities(cutout), arguments.runs),
        "file_to_written_chromosomes_ms": median_ms(whole, arguments.runs),
        "steps_ms": result.timings_ms,
        "image": f"{result.absorbance.shape[1]}x{result.absorbance.shape[0]}, {len(result.instances)} chromosomes",
        "runs": arguments.runs,
        "weights_sha256": predictor.identity.weights_sha256,
        "git_commit": git_state()[0],
        "hardware": hardware(),
    }
    write_json(arguments.out, figures)
    print(figures)


if __name__ == "__main__":
    main()
