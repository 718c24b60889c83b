"""Pictures a second of one process, of two beside each other, and of `--ray local` with two workers.

    python -m benchmarks.ray_throughput [--pictures 120] [--runs 3]

The bundled ChromSeg, one thread a process, small drawn pictures, a folder of results each. Start-up is left out: the
rate is that between the results that were written first and last among the middle of all, from `_FROM` to `_TO`.
Ways take turns, so that what else the machine does weighs on all; prints each rate, and medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.stub_cohort import draw_pictures

ROOT = Path(__file__).parents[1]
_FROM, _TO = 0.2, 0.8  # of the results, in order of time: all workers are at work
_ALIKE = {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}  # Ray's workers would else give way to all other programs
WAYS: dict[str, list[list[str]]] = {
    "one process": [[]],
    "two processes": [["--shard", "1/2"], ["--shard", "2/2"]],
    "--ray local": [["--ray", "local", "--workers", "2"]],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as scratch:
        draw_pictures(Path(scratch) / "pictures", [f"p{number:04}" for number in range(given.pictures)])
        for turn in range(given.runs):
            for way, commands in WAYS.items():
                out = Path(scratch) / f"{turn}-{way.replace(' ', '-')}"
                predict(Path(scratch) / "pictures", out, commands)
                rates[way].append(rate(out, given.pictures))
                print(way, round(rates[way][-1], 2), file=sys.stderr, flush=True)
    medians = {way: statistics.median(values) for way, values in rates.items()}
    one, two, ray = medians.values()
    shares = {"of twice one process": ray / (2 * one), "of two processes": ray / two}
    found = {"pictures a second": medians, "--ray local": shares}
    print(json.dumps({name: {key: round(value, 2) for key, value in each.items()} for name, each in found.items()}))


def predict(pictures: Path, out: Path, commands: list[list[str]]) -> None:
    """Run commands beside each other to their end."""
    program = Path(sys.executable).with_name("chromseg-ops")
    words = [program, "predict", pictures, "--out", out, "--model", ROOT / "bundled" / "chromseg", "--device", "cpu"]
    running = [
        subprocess.Popen(
            [*map(str, words), *more], env=os.environ | _ALIKE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for more in commands
    ]
    for process in running:
        _, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(errors.decode())


def rate(out: Path, count: int) -> float:
    """Results a second in the middle of all."""
    times = sorted(path.stat().st_mtime for path in out.rglob("instances.json"))
    if len(times) != count:
        raise RuntimeError(f"{len(times)} results of {count} pictures")
    first, last = int(_FROM * count), int(_TO * count)
    return (last - first) / (times[last] - times[first])


if __name__ == "__main__":
    main()
