"""Memory of the process that drives a cohort, and files of its tables, at 1,000 and at 10,000 pictures.

    python -m benchmarks.ray_memory [--pictures 1000 10000]

The pictures are one small drawn picture under many names, and every worker gives each the result of its first
(`benchmarks.stub_cohort`): Ray, the driver and the tables are what is measured. Prints a line of JSON for each number.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks.small_cluster import small_cluster
from benchmarks.stub_cohort import repeat_picture

ROOT = Path(__file__).parents[1]
_EVERY = 0.5  # seconds between two looks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, nargs="+", default=[1000, 10_000])
    with small_cluster(2) as cluster:
        for count in parser.parse_args().pictures:
            with tempfile.TemporaryDirectory() as scratch:
                print(json.dumps(measure(Path(scratch), count, cluster.address)), flush=True)


def measure(scratch: Path, count: int, address: str) -> dict[str, Any]:
    """Megabytes at their highest, all (rss) and what is the driver's alone (uss); files; seconds in all."""
    repeat_picture(scratch / "pictures", count)
    out, told, began = scratch / "out", scratch / "told", time.monotonic()
    command = [sys.executable, "-m", "benchmarks.stub_cohort", str(scratch / "pictures"), "--out", str(out)]
    options = ["--ray", address, "--notes", str(scratch / "notes"), "--same"]
    with told.open("wb") as stream:
        driver = psutil.Popen([*command, *options], stdout=stream, cwd=ROOT)
        peak = highest(driver)
    if driver.wait():
        raise subprocess.CalledProcessError(driver.returncode, command)
    outcomes = [json.loads(line)["picture"] for line in told.read_text(encoding="utf-8").splitlines()]
    return {
        "pictures": count,
        "outcomes": len(outcomes),
        "told twice": len(outcomes) - len(set(outcomes)),
        **{f"{kind} MB": round(value / 1e6) for kind, value in peak.items()},
        "files": sum(path.is_file() for path in out.rglob("*")),
        "seconds": round(time.monotonic() - began),
    }


def highest(process: psutil.Popen) -> dict[str, int]:
    """The most memory that a process has until it ends."""
    peak = {"rss": 0, "uss": 0}
    while process.poll() is None:
        try:
            now = process.memory_full_info()
        except psutil.Error:  # it has just ended
            break
        peak = {kind: max(value, getattr(now, kind)) for kind, value in peak.items()}
        time.sleep(_EVERY)
    return peak


if __name__ == "__main__":
    main()
