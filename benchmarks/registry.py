"""How long a promotion and a rollback take: in the store alone, and as commands from start to end.

    python -m benchmarks.registry [--runs 5] [--out reports/registry.json]
    python -m benchmarks.registry --crowd-only [--versions 10000 --promotions 1000]

In a project of its own with the bundled model and a copy of it. "Store" is all that changes something (entry, head,
alias) with the reading before it, in a process that has everything imported; commands start cold. `register` tries the
model out on the golden set and keeps the outcome; `promote` asks every gate of the policy that comes with ChromSeg-Ops,
with that outcome and ("untried") without one. Medians; `register` once for each of the two models. In another project
with 500 versions: seconds of CPU to list, resolve, promote and verify (`crowded_store.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.crowded_store import measure_crowd
from chromseg.files import write_json
from chromseg.registry.gates import policy
from chromseg.registry.lineage.gather import git_state, hardware
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.beginning import init_store
from chromseg.registry.promotion import promote, rollback
from chromseg.registry.versions.register import register

ROOT = Path(__file__).parents[1]
NO_GATES = (ROOT / "tests" / "lenient_promotion.yaml").read_text(encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("reports/registry.json"))
    parser.add_argument(
        "--crowd-only", action="store_true", help="print the figures of a full store alone; write nothing"
    )
    parser.add_argument("--versions", type=int, default=500)
    parser.add_argument("--promotions", type=int, default=2)
    arguments = parser.parse_args()
    out, commit, machine = arguments.out.resolve(), git_state()[0], hardware()
    os.environ.setdefault("CHROMSEG_ACTOR", "benchmark")
    size = (arguments.versions, arguments.promotions)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CHROMSEG_STATE_DIR"] = f"{scratch}/state"  # what is measured here is no store to remember
        crowd = measure_crowded(Path(scratch) / "crowded", arguments.runs, *size)
        if arguments.crowd_only:
            print(json.dumps(crowd, indent=2))
            return
        figures = measure(Path(scratch) / "few", arguments.runs)
    found = {"seconds": figures, "cpu_seconds_of_500_versions": crowd}
    write_json(out, {"runs": arguments.runs, "git_commit": commit, "hardware": machine, **found})
    print(json.dumps(found, indent=2))


def measure(project: Path, runs: int) -> dict[str, float]:
    """Median seconds of each operation."""
    enter(project)
    figures: dict[str, list[float]] = {
        "store promote": [], "store rollback": [], "command register": [], "command promote": [],
        "command promote, untried": [], "command rollback": [],
    }  # fmt: skip
    first, second, untried = three_models(project)
    for folder in (first, second):
        figures["command register"].append(command("register", str(folder), "--allow-dirty"))
    register(untried, "chromseg", allow_dirty=True)
    (project / policy.FILE).write_text(NO_GATES, encoding="utf-8")
    promote("chromseg/1", reason="the first")
    for _ in range(runs):
        figures["store promote"].append(timed(lambda: promote("chromseg/2", reason="benchmark")))
        figures["store rollback"].append(timed(lambda: rollback("chromseg", reason="benchmark")))
    (project / policy.FILE).unlink()
    for _ in range(runs):
        for version, name in ((2, "command promote"), (3, "command promote, untried")):
            figures[name].append(command("promote", f"chromseg/{version}", "--force", "benchmark"))
            figures["command rollback"].append(command("rollback", "chromseg", "--reason", "benchmark"))
    return {name: round(statistics.median(values), 3) for name, values in figures.items()}


def measure_crowded(project: Path, runs: int, versions: int = 500, promotions: int = 2) -> dict[str, float]:
    """Median CPU-seconds of each verb in a store of so many versions and promotions."""
    enter(project)
    (project / policy.FILE).write_text(NO_GATES, encoding="utf-8")
    register(three_models(project)[0], "chromseg", allow_dirty=True)
    return measure_crowd(runs, versions, promotions)


def enter(project: Path) -> None:
    """Make a project with an empty store, and work in it."""
    project.mkdir()
    os.chdir(project)
    (project / "pyproject.toml").touch()
    init_store()


def three_models(project: Path) -> list[Path]:
    """The bundled model three times, with cards that differ and the record of a training each, but no scores."""
    folders = [shutil.copytree(ROOT / "bundled" / "chromseg", project / name) for name in ("first", "second", "third")]
    for folder in folders:
        card = json.loads((folder / "model.json").read_text(encoding="utf-8")) | {"name": folder.name, "metrics": {}}
        (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")
        tags = Lineage.from_dict(card["lineage"]).tags()
        write_json(folder / "run.json", {"params": {}, "tags": tags, "metrics": []})
    return folders


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def command(*words: str) -> float:
    """Seconds that `chromseg-ops models …` takes from start to end."""
    program = Path(sys.executable).with_name("chromseg-ops")
    return timed(lambda: subprocess.run([program, "models", *words], check=True, capture_output=True))


if __name__ == "__main__":
    main()
