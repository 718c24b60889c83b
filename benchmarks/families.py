"""ChromSeg, UCRD-Net and the cascade on the same whole metaphases: who recovers the chromosomes that cross another?

    python -m benchmarks.families --detector FOLDER [--maps bundled/chromseg] [--rule reports/cascade_rule.json]
                                  [--data data/bioimlab] [--splits val test] [--out reports/families.json]

Models are folders or registered ones. Recovered: at IoU ≥ 0.8 under the best one-to-one assignment (contract §5). In
brackets 95 % bootstrap intervals by case. Each network runs once an image; some three seconds an image on two cores.
Splits that a parent was trained on say nothing: see the model cards.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.whole_metaphases import metaphases
from chromseg import load_predictor
from chromseg.config import parse
from chromseg.dvc import folder_md5
from chromseg.evaluation.judging import score_found
from chromseg.files import write_json
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.map_predictor import MapPredictor
from chromseg.metrics import InstanceScore, average_precision, bootstrap_by_case, summarize_instances
from chromseg.models.cascade import CascadeRule
from chromseg.models.device import usable_device
from chromseg.registry.lineage.gather import git_state, hardware

FAMILIES = ("chromseg", "ucrd-net", "cascade")
_TOLD = ("variant", "seed", "profile", "git_commit", "data_md5", "ablation")
_DRAWINGS = 300  # of the bootstrap


def main() -> None:
    arguments = parse_arguments()
    cascade = together(arguments.maps, arguments.detector, arguments.rule)
    figures: dict[str, Any] = {
        "data_md5": {arguments.data.name: folder_md5(arguments.data)},
        "models": {
            name: {key: one.card.lineage.get(key) for key in _TOLD} | {"weights_sha256": one.card.weights_sha256}
            for name, one in (("chromseg", cascade.maps), ("ucrd-net", cascade.detector))
        },
        "rule": vars(cascade.rule),
        "git_commit": git_state()[0],
        "hardware": hardware(),
    }
    for split in arguments.splits:
        scores = judge(cascade, arguments.data, split, arguments.limit)
        figures[split] = {family: summary(scores[family]) for family in FAMILIES}
        for family in FAMILIES:
            print(f"{split:5} {family:9}", {key: value for key, value in figures[split][family].items() if key != "n"})
    write_json(arguments.out, figures)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", default="bundled/chromseg")
    parser.add_argument("--detector", required=True)
    parser.add_argument("--rule", type=Path, help="JSON of benchmarks/fit_cascade.py; default is the rule in the code")
    parser.add_argument("--data", type=Path, default=Path("data/bioimlab"))
    parser.add_argument("--splits", nargs="+", default=["val", "test"])
    parser.add_argument("--limit", type=int, default=0, help="only so many images of a split, for a quick look")
    parser.add_argument("--out", type=Path, default=Path("reports/families.json"))
    return parser.parse_args()


def together(maps: str, detector: str, rule: Path | None = None) -> CascadePredictor:
    """A cascade in memory, of two models given by folder or name."""
    by_maps, by_detector = (load_predictor(model, device=usable_device()) for model in (maps, detector))
    assert isinstance(by_maps, MapPredictor) and isinstance(by_detector, InstancePredictor)
    chosen = CascadeRule() if rule is None else parse(CascadeRule, json.loads(rule.read_text())["rule"], "rule")
    return CascadePredictor(by_maps.card, by_maps.identity, maps=by_maps, detector=by_detector, rule=chosen)


def judge(cascade: CascadePredictor, data: Path, split: str, limit: int) -> dict[str, list[InstanceScore]]:
    """Scores of every image by family, from the same answers of the two networks."""
    scores: dict[str, list[InstanceScore]] = {family: [] for family in FAMILIES}
    for sample in metaphases(data, split, limit):
        answers = cascade.infer(sample.image)
        for family, predictor, answer in zip(
            FAMILIES, (cascade.maps, cascade.detector, cascade), (*answers, answers), strict=True
        ):
            scores[family].append(score_found(*predictor.conclude(sample.image, answer), sample))
    return scores


def summary(scores: Sequence[InstanceScore]) -> dict[str, Any]:
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
    return shown | {"n": {"images": len(scores), "chromosomes": every, "crossing": crossing, "recovered": recovered}}


def _share(flags: list[Any]) -> float | None:
    joined = np.concatenate(flags)
    return float(joined.mean()) if joined.size else None


STATISTICS: dict[str, Callable[[list[InstanceScore]], float | None]] = {
    "recall_crossing": lambda scores: _share([score.recovered[score.crosses] for score in scores]),
    "recovered_80": lambda scores: _share([score.recovered for score in scores]),
    "mask_ap50": lambda scores: average_precision([score.masks for score in scores if score.masks is not None]).ap50,
}


if __name__ == "__main__":
    main()
