"""Models on the same whole metaphases, from the picture's file to chromosomes in its own pixels, as a user gets them.

    python -m benchmarks.families MODEL [MODEL …] [--data data/bioimlab …] [--splits test] [--limit N]
                                  [--out reports/families.json]

Models are folders or registered ones, a picture is predicted on as `predict` does, with nothing given. Recovered: at
IoU ≥ 0.8 under the best one-to-one assignment (contract §5). In brackets 95 % bootstrap intervals by case; "beside" is
the first model less each other one, picture by picture. Splits that a model, or a parent of it, was trained on say
nothing: see the model cards.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chromseg import load_predictor
from chromseg.annotations import Dataset, ImageRecord, load_masks, read_dataset
from chromseg.dvc import folder_md5
from chromseg.files import write_json
from chromseg.inference.predictor import Predictor
from chromseg.inference.result import Result
from chromseg.metrics import InstanceScore, average_precision, bootstrap_by_case, score_instances, summarize_instances
from chromseg.models.device import usable_device
from chromseg.registry.lineage.gather import git_state, hardware

_TOLD = ("variant", "seed", "profile", "git_commit", "data_md5", "ablation")
_DRAWINGS = 300  # of the bootstrap


@dataclass(frozen=True)
class Page:
    """One picture with its truth."""

    dataset: Dataset
    image: ImageRecord

    @property
    def path(self) -> Path:
        """Its file."""
        return self.dataset.root / "images" / self.image.file_name


def main() -> None:
    arguments = parse_arguments()
    models = {name: load_predictor(name, device=usable_device()) for name in arguments.models}
    figures: dict[str, Any] = {
        "data_md5": {data.name: folder_md5(data) for data in arguments.data},
        "models": {
            name: {key: one.card.lineage.get(key) for key in _TOLD} | {"weights_sha256": one.card.weights_sha256}
            for name, one in models.items()
        },
        "git_commit": git_state()[0],
        "hardware": hardware(),
    }
    for data in arguments.data:
        for split in arguments.splits:
            first: Sequence[InstanceScore] = ()
            for name, predictor in models.items():
                judged = [judge(predictor, page) for page in pages(data, split, arguments.limit)]
                scores, seconds, warned = zip(*judged, strict=True)
                shown = summary(scores, seconds, warned) | ({"beside": beside(first, scores)} if first else {})
                first = first or scores
                print(data.name, split, name, {key: value for key, value in shown.items() if key != "n"}, flush=True)
                figures.setdefault(data.name, {}).setdefault(split, {})[name] = shown
                write_json(arguments.out, figures)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("data/bioimlab")])
    parser.add_argument("--splits", nargs="+", default=["test"])
    parser.add_argument("--limit", type=int, default=0, help="only so many images of a split, evenly spread")
    parser.add_argument("--out", type=Path, default=Path("reports/families.json"))
    return parser.parse_args()


def pages(data: Path, split: str, limit: int = 0) -> Iterator[Page]:
    """The pictures of one split whose instances are known."""
    dataset = read_dataset(data)
    images = dataset.in_split(split)
    step = max(1.0, len(images) / limit) if limit else 1.0
    for index in range(min(limit or len(images), len(images))):
        yield Page(dataset, images[int(index * step)])


def judge(predictor: Predictor, page: Page) -> tuple[InstanceScore, float, bool]:
    """How the result compares with the truth, the seconds it took, and whether it was warned of."""
    start = time.perf_counter()
    result = predictor.predict(page.path)
    spent = time.perf_counter() - start
    return score_of(result, page), spent, result.validation["result"]["n_warnings"] > 0


def score_of(result: Result, page: Page) -> InstanceScore:
    """The result's masks against the annotator's, in the picture's own pixels."""
    truth = load_masks(page.dataset, page.image)
    masks = np.array([instance.mask for instance in result.instances], dtype=bool).reshape(-1, *truth.shape[1:])
    scores = np.array([instance.score for instance in result.instances], dtype=np.float64)
    flagged = np.array([bool(instance.flags) for instance in result.instances], dtype=bool)
    case = f"{page.dataset.card.name}/{page.image.case}"
    return score_instances(page.image.file_name, case, masks, scores, truth, flagged)


def summary(scores: Sequence[InstanceScore], seconds: Sequence[float], warned: Sequence[bool]) -> dict[str, Any]:
    """The metrics, each with its interval where it has one, and how many chromosomes they rest on."""
    metrics = summarize_instances(scores)
    shown: dict[str, Any] = {key: None if value is None else round(value, 4) for key, value in metrics.items()}
    for key, statistic in STATISTICS.items():
        interval = bootstrap_by_case(scores, [score.case_id for score in scores], statistic, n=_DRAWINGS)
        if interval is not None:
            shown[key] = [shown[key], round(interval.low, 4), round(interval.high, 4)]
    crossing = sum(int(score.crosses.sum()) for score in scores)
    recovered = sum(int(score.recovered[score.crosses].sum()) for score in scores)
    every = sum(score.crosses.size for score in scores)
    counts = {"images": len(scores), "chromosomes": every, "crossing": crossing, "recovered": recovered}
    times = {"median_s": round(float(np.median(seconds)), 2), "longest_s": round(max(seconds), 2)}
    return shown | times | {"warned": int(sum(warned)), "n": counts}


def beside(first: Sequence[InstanceScore], other: Sequence[InstanceScore]) -> dict[str, list[float]]:
    """Of the first model less another on the same pictures: mean difference a metaphase, and its interval."""
    found = {}
    for key, of in PAIRED.items():
        apart = [of(one) - of(two) for one, two in zip(first, other, strict=True)]
        interval = bootstrap_by_case(apart, [score.case_id for score in first], lambda some: float(np.mean(some)))
        assert interval is not None
        found[key] = [round(value, 2) for value in (float(np.mean(apart)), interval.low, interval.high)]
    return found


def _share(flags: list[Any]) -> float | None:
    joined = np.concatenate(flags)
    return float(joined.mean()) if joined.size else None


STATISTICS: dict[str, Callable[[list[InstanceScore]], float | None]] = {
    "recall_crossing": lambda scores: _share([score.recovered[score.crosses] for score in scores]),
    "recovered_80": lambda scores: _share([score.recovered for score in scores]),
    "edits": lambda scores: float(np.mean([score.edits for score in scores])),
    "mask_ap50": lambda scores: average_precision([score.masks for score in scores if score.masks is not None]).ap50,
}
PAIRED: dict[str, Callable[[InstanceScore], float]] = {
    "edits": lambda score: float(score.edits),
    "found": lambda score: float(score.recovered.sum()),
}


if __name__ == "__main__":
    main()
