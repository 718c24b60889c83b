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

from chromseg.annotations import Sample
from chromseg.config import DetectorConfig
from chromseg.evaluation.detections import scores_at
from chromseg.inference.instance_predictor import InstancePredictor, InstanceSettings
from chromseg.inference.load import predictor_from_folder
from chromseg.metrics import CalibrationBin, InstanceScore, reliability, scores_and_hits, summarize_instances
from chromseg.metrics.catalogue import OF_IMAGES
from chromseg.models.package import ModelCard, read_card, write_card
from pipelines.thresholds import best_threshold, f1

matplotlib.use("Agg")

THRESHOLDS: tuple[float, ...] = tuple(np.round(np.arange(0.1, 0.95, 0.05), 2).tolist())
_LAMBDAS = tuple(np.round(np.arange(0.0, 1.05, 0.1), 1).tolist())


def learned_masks(card: ModelCard, init: str = "") -> bool:
    """Whether a trained detector's mask head has seen masks: in its training, or in that of the model it began as.

    Args:
        card: As training left it.
        init: Folder of the model that it started from; empty for none.
    """
    if card.chromosome_area is not None:  # the median area of the masks that were seen
        return True
    return bool(init) and not settings_of(read_card(Path(init))).boxes_only


def mark_boxes_only(folder: Path) -> None:
    """Let a detector whose mask head knows nothing hand out boxes, and drop duplicates by box; its card says so."""
    card = read_card(folder)
    assert isinstance(card.architecture, DetectorConfig)
    by_box = replace(card.architecture, nms="box") if card.architecture.nms == "mask" else card.architecture
    write_settings(folder, replace(card, architecture=by_box), replace(settings_of(card), boxes_only=True))


def settings_of(card: ModelCard) -> InstanceSettings:
    """What a detector's card says of handing out."""
    return InstanceSettings(**card.preprocessing.get("instances", {}))


def write_settings(folder: Path, card: ModelCard, settings: InstanceSettings) -> None:
    """Write the card of a detector with other settings."""
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "instances": asdict(settings)}))


def choose_threshold(folder: Path, samples: Iterable[Sample], device: str = "cpu") -> float:
    """Set the class score from which a detector hands a chromosome out, by validation samples, in its card.

    The least threshold with the best F1 of what would then be handed out; a match has IoU ≥ 0.8.

    Args:
        folder: The model; its card is written anew.
        samples: Validation samples; with none, or if nothing matches at any threshold, the card stays as it is.
        device: Where the network runs, in PyTorch's words.

    Returns:
        The threshold.
    """
    predictor = predictor_from_folder(folder, device=device)
    assert isinstance(predictor, InstancePredictor)
    images = [scores_at(predictor, predictor.infer(sample.image), sample, THRESHOLDS) for sample in samples]
    best = best_threshold(images)
    if not f1([each[best] for each in images]):
        return predictor.settings.score
    write_settings(folder, predictor.card, replace(predictor.settings, score=THRESHOLDS[best]))
    return THRESHOLDS[best]


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


def study(predictor: InstancePredictor, samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """What can be changed without training, one row each: λ of eq. 11 (with UC), and how duplicates are dropped.

    Each row is judged at the threshold that suits it best, since a change may move all scores.

    Args:
        predictor: A trained detector.
        samples: Validation samples, since a choice may follow.

    Returns:
        Rows with "changed", "value", "threshold" and metrics.
    """
    kinds = ("box", "soft") if predictor.settings.boxes_only else ("box", "soft", "mask")
    changes: list[tuple[str, Any]] = [("nms", kind) for kind in kinds]
    if predictor.network.config.uncertainty:
        changes += [("correction", value) for value in _LAMBDAS]
    others = [changed(predictor, {name: value}) for name, value in changes]
    judged: list[list[list[InstanceScore]]] = [[] for _ in changes]
    for sample in samples:
        look = predictor.network.look([predictor.for_network(sample.image)])
        for other, images in zip(others, judged, strict=True):
            (found,) = other.network.decide(look)
            images.append(scores_at(other, found, sample, THRESHOLDS))
    return [_row(*change, images) for change, images in zip(changes, judged, strict=True) if images]


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


def _row(name: str, value: Any, images: Sequence[Sequence[InstanceScore]]) -> dict[str, Any]:
    best = best_threshold(images)
    metrics = summarize_instances([each[best] for each in images])
    return {"changed": name, "value": value, "threshold": THRESHOLDS[best], **{key: metrics[key] for key in OF_IMAGES}}
