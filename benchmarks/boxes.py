"""Models on real metaphases of which boxes alone are known, from the picture's file to the boxes of what is found.

    python -m benchmarks.boxes MODEL [MODEL …] [--data data/cil24] [--split test] [--limit N] [--inset 5 6 4 3]
                               [--out reports/boxes.json]

Found: a chromosome whose box has IoU ≥ 0.5 with that of an instance, under the best one-to-one assignment. Boxes are
drawn wider than chromosomes: `--inset` brings them in, in pixels from left, top, right and bottom, before they are
compared. In brackets 95 % bootstrap intervals by case.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.families import Page, pages
from chromseg import load_predictor
from chromseg.annotations import load_boxes
from chromseg.arrays import F64
from chromseg.boxes import boxes_of
from chromseg.dvc import folder_md5
from chromseg.files import write_json
from chromseg.inference.predictor import Predictor
from chromseg.metrics import bootstrap_by_case
from chromseg.metrics.overlap import box_ious
from chromseg.metrics.splicing import assign
from chromseg.models.device import usable_device
from chromseg.registry.lineage.gather import git_state, hardware

SAME = 0.5


class BoxScore(NamedTuple):
    """One picture.

    Attributes:
        case: To resample by.
        known: True boxes.
        handed_out: Instances.
        found: Of the true boxes.
        flagged: Instances that are none of them and are flagged.
    """

    case: str
    known: int
    handed_out: int
    found: int
    flagged: int


STATISTICS: dict[str, Callable[[Sequence[BoxScore]], float]] = {
    "found": lambda scores: sum(s.found for s in scores) / sum(s.known for s in scores),
    "precision": lambda scores: sum(s.found for s in scores) / max(1, sum(s.handed_out for s in scores)),
    "count_error": lambda scores: float(np.mean([abs(s.handed_out - s.known) for s in scores])),
    "count_exact": lambda scores: float(np.mean([s.handed_out == s.known for s in scores])),
    "wrong_flagged": lambda scores: (
        sum(s.flagged for s in scores) / max(1, sum(s.handed_out - s.found for s in scores))
    ),
}


def main() -> None:
    arguments = parse_arguments()
    models = {name: load_predictor(name, device=usable_device()) for name in arguments.models}
    figures: dict[str, Any] = {
        "data_md5": {arguments.data.name: folder_md5(arguments.data)},
        "inset": arguments.inset,
        "split": arguments.split,
        "weights_sha256": {name: one.card.weights_sha256 for name, one in models.items()},
        "git_commit": git_state()[0],
        "hardware": hardware(),
    }
    for name, predictor in models.items():
        scores = [
            judge(predictor, page, arguments.inset) for page in pages(arguments.data, arguments.split, arguments.limit)
        ]
        figures[name] = summary(scores)
        print(name, figures[name], flush=True)
    write_json(arguments.out, figures)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, default=Path("data/cil24"))
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=0, help="only so many images of the split, evenly spread")
    parser.add_argument("--inset", type=float, nargs=4, default=(5, 6, 4, 3), help="left, top, right, bottom")
    parser.add_argument("--out", type=Path, default=Path("reports/boxes.json"))
    return parser.parse_args()


def judge(predictor: Predictor, page: Page, inset: Sequence[float]) -> BoxScore:
    """What is found in one picture, in its own pixels."""
    known = brought_in(load_boxes(page.dataset, page.image)[0].astype(np.float64), inset)
    instances = predictor.predict(page.path).instances
    ious = box_ious(boxes_of(instance.mask for instance in instances), known)
    return score_of(page.image.case, ious, [bool(instance.flags) for instance in instances])


def brought_in(boxes: F64, inset: Sequence[float]) -> F64:
    """Boxes float64 (N, 4) xyxy without the margin in which they were drawn; none gets narrower than a pixel."""
    left, top, right, bottom = inset
    corners: F64 = boxes + np.array([left, top, -right, -bottom])
    corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2] + 1)
    return corners


def score_of(case: str, ious: F64, flagged: Sequence[bool]) -> BoxScore:
    """Of IoUs float64 (instances, true boxes)."""
    pairs, pair_ious = assign(ious)
    right = set(pairs[pair_ious >= SAME, 0].tolist())
    doubted = sum(flag for index, flag in enumerate(flagged) if index not in right)
    return BoxScore(case, ious.shape[1], ious.shape[0], len(right), doubted)


def summary(scores: Sequence[BoxScore]) -> dict[str, Any]:
    """Each figure with its interval, and on how many pictures and boxes they rest."""
    shown: dict[str, Any] = {"images": len(scores), "boxes": sum(score.known for score in scores)}
    for key, of in STATISTICS.items():
        interval = bootstrap_by_case(scores, [score.case for score in scores], of)
        around = () if interval is None else (interval.low, interval.high)
        shown[key] = [round(value, 3) for value in (of(scores), *around)]
    return shown


if __name__ == "__main__":
    main()
