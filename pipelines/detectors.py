"""What the stages do for detectors alone: scores by boxes, the threshold, calibration, and studies without training."""

from __future__ import annotations

import copy
import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt

from chromseg.annotations import Sample
from chromseg.errors import DataError
from chromseg.inference.evaluation import judge_metaphase
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.predictor import Predictor
from chromseg.metrics import (
    SPLICE_IOU,
    CalibrationBin,
    InstanceScore,
    box_ious,
    mask_ious,
    reliability,
    score_boxes,
    scores_and_hits,
    summarize_instances,
    with_detections,
)
from chromseg.metrics.splicing import assign
from chromseg.models.package import write_card
from chromseg.models.ucrd_net import Detections, paste_masks

matplotlib.use("Agg")

FloatArray = npt.NDArray[np.float64]

_THRESHOLDS = tuple(np.round(np.arange(0.1, 0.95, 0.05), 2).tolist())
_LAMBDAS = tuple(np.round(np.arange(0.0, 1.05, 0.1), 1).tolist())
_STUDIED = ("mask_map", "mask_ap50", "mask_ap75", "box_map", "box_ap50", "recall_crossing", "count_mae", "ece")


def judge_image(predictor: Predictor, sample: Sample) -> InstanceScore:
    """Compare what is found in a whole image with the truth, by masks, or by boxes where there are no others.

    Raises:
        DataError: Only boxes are known, and the model finds none.
    """
    if sample.boxes is None:
        return judge_metaphase(predictor, sample)
    if not isinstance(predictor, InstancePredictor):
        raise DataError(
            f"sample {sample.name} with boxes only", expected="masks", remedy="judge a detector on it, or another set"
        )
    found = predictor.infer(sample.image)
    sure = found.take(found.class_scores >= predictor.settings.score)
    return with_detections(_by_boxes(sure, sample), _by_boxes(found, sample))


def choose_threshold(folder: Path, samples: Iterable[Sample]) -> float:
    """Set the class score from which a detector hands a chromosome out, by validation samples, in its card.

    The least threshold with the best F1: of what is handed out, and of what is there, how much matches at IoU ≥ 0.8.

    Args:
        folder: The model; its card is written anew.
        samples: Validation samples; with none, or if nothing matches at any threshold, the card stays as it is.

    Returns:
        The threshold.
    """
    predictor = Predictor.from_folder(folder)
    assert isinstance(predictor, InstancePredictor)
    tables = [_table(predictor, sample) for sample in samples]
    best = max(_THRESHOLDS, key=lambda threshold: _f1(tables, threshold))
    if not _f1(tables, best):
        return predictor.settings.score
    settings = asdict(replace(predictor.settings, score=best))
    card = predictor.card
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "instances": settings}))
    return best


def write_calibration(folder: Path, images: Sequence[InstanceScore]) -> None:
    """Write the reliability diagram of all scores, `reliability.csv` and `reliability.png`."""
    scores, hits = scores_and_hits(images)
    bins = reliability(scores, hits)
    write_table(folder / "reliability.csv", [one._asdict() for one in bins])
    draw_reliability(folder / "reliability.png", bins)


def draw_reliability(path: Path, bins: Sequence[CalibrationBin]) -> None:
    """Share of correct detections over their score; on the diagonal a score can be believed."""
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(4.5, 5.5), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    above.plot([0, 1], [0, 1], color="silver", linestyle="--")
    above.plot([one.score for one in bins], [one.correct for one in bins], marker="o")
    above.set(ylabel="share found at IoU ≥ 0.8", xlim=(0, 1), ylim=(0, 1))
    widths = [one.high - one.low for one in bins]
    below.bar([one.low for one in bins], [one.n for one in bins], width=widths, align="edge", edgecolor="white")
    below.set(xlabel="score", ylabel="detections")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def study(predictor: InstancePredictor, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """What can be changed without training, one row each: λ of eq. 11 (with UC), and how duplicates are dropped.

    Args:
        predictor: A trained detector.
        samples: Validation samples, since a choice may follow.

    Returns:
        Rows with "changed", "value" and metrics.
    """
    changes: list[tuple[str, Any]] = [("nms", kind) for kind in ("box", "soft", "mask")]
    if predictor.network.config.uncertainty:
        changes += [("correction", value) for value in _LAMBDAS]
    rows = []
    for name, value in changes if samples else ():
        metrics = summarize_instances([judge_image(changed(predictor, {name: value}), sample) for sample in samples])
        rows.append({"changed": name, "value": value, **{key: metrics[key] for key in _STUDIED}})
    return rows


def changed(predictor: InstancePredictor, values: Mapping[str, Any]) -> InstancePredictor:
    """The same weights with other values in the network's configuration, of those that only detection reads."""
    network = copy.copy(predictor.network)
    network.config = replace(network.config, **values)
    return replace(predictor, network=network)


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with equal keys as CSV; no rows give a file with a heading `name`."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["name"])
        writer.writeheader()
        writer.writerows(rows)


def _table(predictor: InstancePredictor, sample: Sample) -> tuple[FloatArray, FloatArray]:
    """Class scores (D,) of all detections of a sample, and their IoUs (D, T) with the truth."""
    found = predictor.infer(sample.image).to("cpu")
    scores = found.class_scores.double().numpy()
    if sample.masks is None:
        assert sample.boxes is not None
        return scores, box_ious(found.boxes.double().numpy(), sample.boxes.astype(np.float64))
    height, width = sample.image.shape
    return scores, mask_ious(paste_masks(found.roi_masks, found.boxes, (height, width)).numpy(), sample.masks)


def _f1(tables: Sequence[tuple[FloatArray, FloatArray]], threshold: float) -> float:
    handed = [ious[scores >= threshold] for scores, ious in tables]
    matched = sum(int((assign(ious)[1] >= SPLICE_IOU).sum()) for ious in handed)
    return 2 * matched / max(1, sum(sum(ious.shape) for ious in handed))


def _by_boxes(found: Detections, sample: Sample) -> InstanceScore:
    assert sample.boxes is not None
    boxes, scores = found.boxes.double().cpu().numpy(), found.scores.double().cpu().numpy()
    return score_boxes(sample.name, sample.case_id, boxes, scores, sample.boxes.astype(np.float64))
