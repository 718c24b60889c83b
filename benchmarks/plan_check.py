"""Predicted against measured seconds of `predict --ray local` as tables, with one worker and with two.

    python -m benchmarks.plan_check --pictures data/sample/images [--copies 2]

What a picture costs is measured in this process (`benchmarks.cohort.measure`), what a run costs besides in a run of one
picture: cluster, worker, model, and the process that writes the tables. `benchmarks.cohort.simulate` says the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cohort import Costs, Machines, costs_of, measure, simulate
from chromseg.cohort.run import blocks_of

_ALIKE = {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}  # Ray's workers would else give way to all other programs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bundled/chromseg")
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of pictures of one page")
    parser.add_argument("--copies", type=int, default=2, help="how often each picture is done, under other names")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    files = sorted(path for path in given.pictures.iterdir() if path.suffix in (".png", ".tif"))
    costs = costs_of(measure(given.model, files[::3], rounds=1))
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Path(scratch) / "pictures"
        many, one = copies(files, given.copies, pictures / "many"), copies(files[:1], 1, pictures / "one")
        besides = run(one, 1, given.model, Path(scratch) / "of-one") - seconds_of(costs)
        found = [
            compared(many, workers, given.model, Path(scratch) / f"of-{workers}", costs, besides)
            for workers in given.workers
        ]
    print(
        json.dumps(
            {"seconds a picture": round(seconds_of(costs), 3), "seconds besides": round(besides, 1), "runs": found}
        )
    )


def compared(pictures: Path, workers: int, model: str, out: Path, costs: Costs, besides: float) -> dict[str, float]:
    """Predicted and measured seconds of one run."""
    count = sum(1 for _ in pictures.iterdir())
    predicted = simulate(costs, Machines(workers, start=besides), count, blocks=blocks_of(count))
    measured = run(pictures, workers, model, out)
    print(workers, "workers", round(predicted, 1), round(measured, 1), file=sys.stderr, flush=True)
    return {
        "workers": workers,
        "pictures": count,
        "predicted": round(predicted, 1),
        "measured": round(measured, 1),
        "error": round(predicted / measured - 1, 3),
    }


def seconds_of(costs: Costs) -> float:
    """Of a core, for one picture."""
    return costs.before + costs.network + costs.after


def copies(files: Sequence[Path], times: int, folder: Path) -> Path:
    """A folder of the files, each under so many names."""
    folder.mkdir(parents=True)
    for number in range(times):
        for file in files:
            (folder / f"{number}-{file.name}").write_bytes(file.read_bytes())
    return folder


def run(pictures: Path, workers: int, model: str, out: Path) -> float:
    """Seconds of one command from start to end."""
    program = Path(sys.executable).with_name("chromseg-ops")
    options = ["--ray", "local", "--workers", str(workers), "--format", "parquet", "--out", str(out), "--model", model]
    start = time.perf_counter()
    done = subprocess.run(
        [str(program), "predict", str(pictures), *options, "--device", "cpu"],
        env=os.environ | _ALIKE,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
