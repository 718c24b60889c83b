"""What a cohort costs: seconds of a core by step, measured here; hours, files and money of many machines, simulated.

    python -m benchmarks.cohort measure --model bundled/chromseg --pictures data/mfish-sample/images
    python -m benchmarks.cohort plan

`measure` counts the time of the process, not of the clock, with one thread: so neighbours on the machine cost nothing.
`plan` lets workers, GPUs and a store's line work through a cohort (`simulate`) with what was measured.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as Ray sets it for a worker of one core

import argparse
import heapq
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromseg import load_predictor
from chromseg.cohort.outcome import PictureOutcome
from chromseg.cohort.sources import PictureFile
from chromseg.cohort.tables import CHROMOSOMES, PICTURES, Tables
from chromseg.cohort.verdicts import outcome_of
from chromseg.files import write_json
from chromseg.inference.asked import Asked
from chromseg.inference.exports import write_result
from chromseg.inference.one_picture import Verdict
from chromseg.inference.predictor import Predictor
from chromseg.inference.prepared import CloserLook
from chromseg.inference.shard import Shard
from chromseg.registry.lineage.gather import git_state, hardware

REPORT = Path("reports/cohort.json")
PART = 256  # pictures of a file of each table


@dataclass(frozen=True)
class Costs:
    """What one picture costs.

    Attributes:
        megabytes: To be read.
        before: Seconds of a core: decode, judge, normalise.
        network: Seconds of a core, or of a GPU where there are some.
        after: Seconds of a core: splice, measure, write down.
    """

    megabytes: float
    before: float
    network: float
    after: float


@dataclass(frozen=True)
class Machines:
    """What works at it.

    Attributes:
        workers: Each with one core.
        gpus: That they share; 0 lets the networks run on the workers' cores.
        line: Megabytes a second that the store gives to all together.
        start: Seconds until a worker has its model.
    """

    workers: int
    gpus: int = 0
    line: float = 1000.0
    start: float = 20.0


def simulate(
    costs: Costs, machines: Machines, pictures: int, *, spread: float = 0.3, seed: int = 0, blocks: int | None = None
) -> float:
    """Seconds until all pictures are done.

    Every worker takes the next block; for each picture in it, it waits for its turn on the line, works, waits for a
    GPU, works again. Line and GPUs serve in order of arrival.

    Args:
        costs: Of a picture in the mean.
        machines: What works.
        pictures: How many there are.
        spread: Standard deviation of the logarithm of how much a picture has to do.
        seed: Of that.
        blocks: Into how many they are shared out; None for as many as pictures.
    """
    chance = random.Random(seed)
    line, gpus = [0.0], [0.0] * machines.gpus
    sizes = dict.fromkeys(range(machines.workers), 0.0)
    events = [(machines.start, worker, "take") for worker in sizes]
    heapq.heapify(events)
    blocks = blocks or pictures
    waiting = iter([pictures // blocks + (number < pictures % blocks) for number in range(blocks)])
    in_hand, end = dict.fromkeys(range(machines.workers), 0), 0.0
    while events:
        now, worker, step = heapq.heappop(events)
        end = max(end, now)
        if step == "take":
            held = in_hand[worker] or next(waiting, 0)
            if not held:
                continue
            in_hand[worker] = held - 1
            sizes[worker] = chance.lognormvariate(-(spread**2) / 2, spread)  # 1 in the mean
            read = _served(line, now, costs.megabytes / machines.line)
            heapq.heappush(events, (read + costs.before * sizes[worker], worker, "network"))
        elif step == "network":
            done = _served(gpus, now, costs.network * sizes[worker]) if gpus else now + costs.network * sizes[worker]
            heapq.heappush(events, (done, worker, "after"))
        else:
            heapq.heappush(events, (now + costs.after * sizes[worker], worker, "take"))
    return end


def _served(free: list[float], now: float, seconds: float) -> float:
    """When the next of some equal servers, each free from some time on, is done with this."""
    done = max(now, heapq.heappop(free)) + seconds
    heapq.heappush(free, done)
    return done


def measure(model: str, files: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Core seconds by step, and bytes read and written, of a picture in the mean."""
    predictor = load_predictor(model, device="cpu")
    spent: dict[str, float] = {}
    done = len(files) * rounds
    with tempfile.TemporaryDirectory() as scratch:
        folders = Path(scratch) / "folders"
        work_on(files[0], predictor, folders)  # the warm-up
        outcomes = []
        for file in [file for _ in range(rounds) for file in files]:
            outcome, watch = work_on(file, predictor, folders)
            outcomes.append(outcome)
            spent = {step: spent.get(step, 0.0) + seconds for step, seconds in watch.laps.items()}
        watch = Watch()
        Tables(scratch, predictor.identity, {}, Shard()).write(outcomes)
        spent["tables"] = watch.lap("tables")
        tables = _bytes(Path(scratch) / PICTURES) + _bytes(Path(scratch) / CHROMOSOMES)
        written, number = _bytes(folders), sum(path.is_file() for path in folders.rglob("*"))
    return {
        "model": model,
        "weights_sha256": predictor.identity.weights_sha256,
        "git_commit": git_state()[0],
        "hardware": hardware(),
        "pictures": len(files),
        "rounds": rounds,
        "chromosomes_a_picture": round(sum(each.count for each in outcomes) / done, 1),
        "core_ms_a_picture": {step: round(1000 * seconds / done, 1) for step, seconds in spent.items()},
        "read_kb_a_picture": round(sum(file.stat().st_size for file in files) / len(files) / 1000, 1),
        "folders_kb_a_picture": round(written / len(files) / 1000, 1),
        "folders_files_a_picture": round(number / len(files), 1),
        "tables_kb_a_picture": round(tables / done / 1000, 1),
    }


def work_on(file: Path, predictor: Predictor, folders: Path) -> tuple[PictureOutcome, Watch]:
    """The way of one picture, step by step."""
    asked, content, watch = Asked(), file.read_bytes(), Watch()
    picture = asked.decode(content)
    watch.lap("decode")
    prepared = predictor.prepare(picture, asked)
    watch.lap("judge and normalise")
    (remainder,) = predictor.begin([prepared.scaled])
    assert not isinstance(remainder, CloserLook)
    watch.lap("network")
    result = prepared.finish(remainder)
    watch.lap("splice")
    write_result(result, folders / file.stem, file_name=file.name, options=asked.options)
    watch.lap("folders")
    outcome = outcome_of(PictureFile(str(file), file.stem), picture.sha256, [Verdict(0, result)])
    watch.lap("rows")
    return outcome, watch


class Watch:
    """Seconds of this process between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, name: str) -> float:
        """End a lap; gives its seconds."""
        now = time.process_time()
        self.laps[name], self._last = now - self._last, now
        return self.laps[name]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def costs_of(figures: dict[str, Any]) -> Costs:
    """What was measured, as the simulation wants it, with results as tables."""
    spent = {step: each / 1000 for step, each in figures["core_ms_a_picture"].items()}
    return Costs(
        figures["read_kb_a_picture"] / 1000,
        spent["decode"] + spent["judge and normalise"],
        spent["network"],
        spent["splice"] + spent["rows"] + spent["tables"],
    )


def plans(costs: Costs, pictures: int, price: float) -> Iterator[tuple[int, float, float, int]]:
    """Workers, hours, money and files of a cohort; a long one is simulated in its first 20,000 pictures."""
    for workers in (2, 16, 128, 1024):
        some = min(pictures, max(20_000, 20 * workers))
        start = Machines(workers).start
        hours = (start + (simulate(costs, Machines(workers), some) - start) * pictures / some) / 3600
        yield workers, hours, workers * hours * price, 2 * -(-pictures // PART)


def main() -> None:
    arguments = parse_arguments()
    if arguments.what == "measure":
        files = sorted(path for path in arguments.pictures.iterdir() if path.suffix in (".png", ".tif"))
        figures = measure(arguments.model, files[: arguments.most], arguments.rounds)
        write_json(REPORT, figures)
        print(json.dumps(figures, indent=2))
        return
    costs = costs_of(json.loads(REPORT.read_text(encoding="utf-8")))
    print("pictures | workers | hours | money | files")
    for pictures in (100_000, 10_000_000):
        for workers, hours, money, number in plans(costs, pictures, arguments.price):
            print(f"{pictures:,} | {workers} | {hours:,.1f} | {money:,.0f} | {number:,}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "plan"))
    parser.add_argument("--model", default="bundled/chromseg")
    parser.add_argument("--pictures", type=Path, help="a folder of pictures of one page")
    parser.add_argument("--most", type=int, default=6, help="pictures that are measured")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--price", type=float, default=0.05, help="of a core for an hour")
    return parser.parse_args()


if __name__ == "__main__":
    main()
