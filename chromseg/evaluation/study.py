"""What can be changed of a trained detector without training it again."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chromseg.annotations import Sample
from chromseg.evaluation.detections import scores_at
from chromseg.evaluation.detector_thresholds import THRESHOLDS
from chromseg.evaluation.thresholds import least_costly, toil
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.metrics import InstanceScore, summarize_instances
from chromseg.metrics.catalogue import OF_IMAGES

_LAMBDAS = tuple(np.round(np.arange(0.0, 1.05, 0.1), 1).tolist())
_KAPPAS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
_TAUS = (0.0, 0.005, 0.02, 0.05)


def study(predictor: InstancePredictor, samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """What can be changed without training, one row each: how duplicates are dropped, with UC λ of eq. 11 or κ, and τ.

    Each row is judged by the first look, at the threshold that suits it best, since a change may move all scores.

    Args:
        predictor: A trained detector.
        samples: Validation samples, since a choice may follow.

    Returns:
        Rows with "changed", "value", "threshold" and metrics.
    """
    kinds = ("box", "soft") if predictor.settings.boxes_only else ("box", "soft", "mask")
    changes: list[tuple[str, Any]] = [("nms", kind) for kind in kinds]
    config = predictor.network.config
    if config.uncertainty and config.ranking == "damped":
        changes += [("damping", value) for value in _KAPPAS]
    elif config.uncertainty:
        changes += [("correction", value) for value in _LAMBDAS]
    if config.uncertainty:
        changes += [("voting", value) for value in _TAUS]
    others = [changed(predictor, {name: value}) for name, value in changes]
    judged: list[list[list[InstanceScore]]] = [[] for _ in changes]
    for sample in samples:
        turned = predictor.seen_turned(sample.image.size)
        look = predictor.network.look([predictor.for_network(sample.image)], half_turn=turned)
        for other, images in zip(others, judged, strict=True):
            (found,) = other.network.decide(look)
            images.append(scores_at(other, found, sample, THRESHOLDS))
    return [_row(*change, images) for change, images in zip(changes, judged, strict=True) if images]


def changed(predictor: InstancePredictor, values: Mapping[str, Any]) -> InstancePredictor:
    """The same weights with other values in the network's configuration, of those that only detection reads."""
    network = copy.copy(predictor.network)
    network.config = replace(network.config, **values)
    return replace(predictor, network=network)


def _row(name: str, value: Any, images: Sequence[Sequence[InstanceScore]]) -> dict[str, Any]:
    best, _ = least_costly(images, toil)
    metrics = summarize_instances([each[best] for each in images])
    return {"changed": name, "value": value, "threshold": THRESHOLDS[best], **{key: metrics[key] for key in OF_IMAGES}}
