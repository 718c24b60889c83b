"""Workers and nodes that are killed at random while a cohort runs: every picture must have one outcome.

    python -m benchmarks.ray_faults [--pictures 2000] [--kills 200] [--nodes 3] [--seed 0]

One small drawn picture under many names, and the stub of `benchmarks.stub_cohort`. A kill falls when a number of
pictures, drawn beforehand, has been begun; it hits any process that predicts, writes tables or keeps the ledger, and
one kill in twenty takes a whole node, which a new one replaces. Prints what was killed and what came of the pictures.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.dataset

from benchmarks.small_cluster import SmallCluster, kill, small_cluster
from benchmarks.stub_cohort import CHROMOSOMES, read_notes, repeat_picture

ROOT = Path(__file__).parents[1]
_KINDS = ("Segmenter", "PartWriter", "Ledger")
_A_NODE = 20  # kills, one of which takes a node
_LAST = 0.95  # share of the pictures after whose beginning nothing is killed any more


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=3, help="of one core each, the head's among them")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as scratch, small_cluster(given.nodes) as cluster:
        place = Path(scratch)
        names, began = repeat_picture(place / "pictures", given.pictures), time.monotonic()
        when = sorted(chance.sample(range(int(_LAST * given.pictures)), given.kills))
        driver = start_driver(place, cluster.address)
        try:
            killed = kill_while_it_works(driver, cluster, place / "notes", when, chance)
        finally:
            driver.kill()
        print(json.dumps({"killed": killed, "seconds": round(time.monotonic() - began)} | found(place, names)))


def start_driver(place: Path, address: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.stub_cohort", str(place / "pictures"), "--out", str(place / "out")]
    options = ["--ray", address, "--notes", str(place / "notes"), "--same", "--pause", "0.2", "--part", "64"]
    with (place / "told").open("wb") as told:
        return subprocess.Popen([*command, *options], stdout=told, cwd=ROOT)


def kill_while_it_works(
    driver: subprocess.Popen[bytes], cluster: SmallCluster, notes: Path, when: list[int], chance: random.Random
) -> Counter[str]:
    """Kill something each time that so many pictures have been begun; gives what was killed."""
    killed: Counter[str] = Counter()
    while driver.poll() is None:
        begun = len({each.picture for each in read_notes(notes)})
        if killed.total() < len(when) and begun >= when[killed.total()]:
            hit = kill_something(cluster, chance, a_node=killed.total() % _A_NODE == _A_NODE - 1)
            killed.update([hit] if hit else [])
            print(f"{begun} begun, {killed.total()} killed: {hit}", file=sys.stderr, flush=True)
        time.sleep(0.2)
    if driver.returncode:
        raise subprocess.CalledProcessError(driver.returncode, "benchmarks.stub_cohort")
    return killed


def kill_something(cluster: SmallCluster, chance: random.Random, a_node: bool) -> str:
    """Gives what was killed; "" if it had just ended by itself."""
    if a_node:
        cluster.lose(chance.choice(sorted(cluster.nodes)))
        cluster.add()
        return "node"
    at_work = [(kind, process) for kind in _KINDS for process in cluster.workers(kind)]
    if not at_work:
        return ""
    kind, process = chance.choice(at_work)
    return kind if kill(process) else ""


def found(place: Path, names: list[str]) -> dict[str, Any]:
    """What the driver told, and what stands in the tables."""
    told = [json.loads(line) for line in (place / "told").read_text(encoding="utf-8").splitlines()]
    by_picture = Counter(each["picture"] for each in told)
    pictures = Counter(rows(place, "pictures", "key"))
    done = {each["picture"] for each in told if each["status"] == "done"}
    return {
        "outcomes": dict(Counter(f"{each['status']} {each['rule']}".strip() for each in told)),
        "pictures without an outcome": len(set(names) - set(by_picture)),
        "pictures with more than one": sum(count > 1 for count in by_picture.values()),
        "rows of pictures": pictures.total(),
        "each once": set(pictures) == done and set(pictures.values()) == {1},
        "rows of chromosomes": len(rows(place, "chromosomes", "key")),
        "expected": CHROMOSOMES * len(done),
    }


def rows(place: Path, table: str, column: str) -> list[str]:
    kept: list[str] = pyarrow.dataset.dataset(str(place / "out" / table)).to_table(columns=[column])[column].to_pylist()
    return kept


if __name__ == "__main__":
    main()
