"""How many chromosomes can be found at IoU ≥ 0.8 by somebody who does not know how large the annotator draws?

    python -m benchmarks.outline_size [--model bundled/chromseg] [--data data/bioimlab] [--splits test]

Three answers on whole metaphases, the last two with the truth in view, so that they are limits and no results:
at each least probability of a chromosome pixel, one for all pictures; with the best one of each picture; and the truth
itself, all outlines of a picture moved out or in by one distance, to the size at which the model draws (median over its
chromosomes of predicted over annotated area): perfect shapes, of a size that is not this annotator's. Some four seconds
a picture.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks.whole_metaphases import metaphases
from chromseg import load_predictor
from chromseg.annotations import Sample
from chromseg.arrays import F64, Bool
from chromseg.boxes import window_of
from chromseg.dvc import folder_md5
from chromseg.evaluation.map_thresholds import at_threshold, scores_with
from chromseg.files import write_json
from chromseg.inference.map_predictor import MapPredictor
from chromseg.metrics import SPLICE_IOU, mask_ious
from chromseg.registry.lineage.gather import git_state

THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.64, 0.68, 0.72, 0.76, 0.8)
_SAME = 0.6  # IoU from which a predicted and an annotated chromosome are one
_REACH = 4.0  # pixels that outlines are moved at most
_FINE = 4  # parts of a pixel, so that an outline can move by less than one


@dataclass(frozen=True)
class Metaphase:
    """One metaphase.

    Attributes:
        chromosomes: How many were annotated.
        found: How many the model finds, at each threshold.
        ratio: Predicted over annotated area.
        redrawn: How many would be found were they drawn like the truth, at the model's size.
    """

    chromosomes: int
    found: list[int]
    ratio: float
    redrawn: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bundled/chromseg")
    parser.add_argument("--data", type=Path, default=Path("data/bioimlab"))
    parser.add_argument("--splits", nargs="+", default=["test"])
    parser.add_argument("--out", type=Path, default=Path("reports/outline_size.json"))
    arguments = parser.parse_args()
    predictor = load_predictor(arguments.model)
    assert isinstance(predictor, MapPredictor), f"{arguments.model} draws no maps"
    report: dict[str, Any] = {
        "weights_sha256": predictor.card.weights_sha256,
        "data_md5": folder_md5(arguments.data),
        "git_commit": git_state()[0],
    }
    for split in arguments.splits:
        report[split] = summary([judge(predictor, sample) for sample in metaphases(arguments.data, split)])
        print(split, report[split])
    write_json(arguments.out, report)


def judge(predictor: MapPredictor, sample: Sample) -> Metaphase:
    """One picture by the three ways."""
    assert sample.masks is not None
    tried = [at_threshold(predictor.postprocess, threshold) for threshold in THRESHOLDS]
    probabilities = predictor.infer(sample.image)
    found = [int(score.recovered.sum()) for score in scores_with(predictor, probabilities, sample, tried)]
    ratio = size_ratio(
        predictor.solve(sample.image, predictor.decided(sample.image, probabilities)).masks, sample.masks
    )
    return Metaphase(len(sample.masks), found, ratio, redrawn(sample.masks, ratio))


def size_ratio(pred: Bool, target: Bool) -> float:
    """Median of predicted over annotated area, of the chromosomes that are the same in both; 1 where none is."""
    ious = mask_ious(pred, target)
    pairs = np.argwhere(ious >= _SAME)
    return float(np.median([pred[i].sum() / target[j].sum() for i, j in pairs])) if len(pairs) else 1.0


def redrawn(masks: Bool, ratio: float) -> int:
    """How many of bool (N, H, W) would be found, were all outlines moved until the median area ratio is `ratio`.

    A moved outline lies within the true one or around it, so that the IoU is the smaller area over the larger.
    """
    distances = [distances_outwards(mask) for mask in masks]
    areas = np.array([(distance <= 0).sum() for distance in distances])

    def ratios(moved: float) -> F64:
        inside = np.array([(distance <= moved).sum() for distance in distances])
        return np.asarray(inside / areas, dtype=np.float64)

    low, high = -_REACH, _REACH
    while high - low > 0.5 / _FINE:
        middle = (low + high) / 2
        low, high = (middle, high) if np.median(ratios(middle)) < ratio else (low, middle)
    found = ratios(high)
    return int(((found >= SPLICE_IOU) & (found <= 1 / SPLICE_IOU)).sum())


def distances_outwards(mask: Bool) -> F64:
    """How far each part of a pixel lies outside a mask, in pixels, below 0 inside: float64, flat, around the mask."""
    fine = np.kron(np.pad(mask[window_of(mask)], math.ceil(_REACH) + 1), np.ones((_FINE, _FINE), dtype=bool))
    return -signed_distance(fine).ravel() / _FINE


def signed_distance(mask: Bool) -> F64:
    """From the outline, in cells of bool (H, W), above 0 inside."""
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.asarray(np.where(mask, inside - 0.5, 0.5 - outside))


def summary(pictures: list[Metaphase]) -> dict[str, Any]:
    """Shares of all chromosomes, and how much the size differs between pictures."""
    total = sum(picture.chromosomes for picture in pictures)
    found = np.array([picture.found for picture in pictures])
    logs = np.log([picture.ratio for picture in pictures])
    return {
        "pictures": len(pictures),
        "by_threshold": {f"{at:g}": round(int(found[:, i].sum()) / total, 4) for i, at in enumerate(THRESHOLDS)},
        "best_of_each_picture": round(int(found.max(axis=1).sum()) / total, 4),
        "truth_at_the_models_size": round(sum(picture.redrawn for picture in pictures) / total, 4),
        "log_size_ratio": {"mean": round(float(logs.mean()), 4), "sd": round(float(logs.std()), 4)},
    }


if __name__ == "__main__":
    main()
