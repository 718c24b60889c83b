"""What the stages do for networks of maps alone: the probability from which a pixel is chromosome.

It depends on the training: a focal loss that favours positives (α above 0.5) moves it up, few steps move it down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from chromseg.annotations import Sample
from chromseg.inference.evaluation import score_found
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.inference.predictor import Predictor
from chromseg.metrics import InstanceScore
from chromseg.models.package import write_card
from pipelines.detectors import best_threshold, f1

THRESHOLDS: tuple[float, ...] = tuple(np.round(np.arange(0.3, 0.85, 0.05), 2).tolist())


def choose_chromosome_threshold(folder: Path, samples: Iterable[Sample], device: str = "cpu") -> float:
    """Set the probability from which a pixel is chromosome, by whole validation metaphases, in the model's card.

    The least threshold with the best F1 of what stage 2 then hands out; a match has IoU ≥ 0.8.

    Args:
        folder: The model; its card is written anew.
        samples: Validation metaphases, of which those with instances count; with none, or if nothing matches at any
            threshold, the card stays as it is.
        device: Where the network runs, in PyTorch's words.

    Returns:
        The threshold.
    """
    predictor = Predictor.from_folder(folder, device=device)
    assert isinstance(predictor, MapPredictor)
    images = [scores_at(predictor, sample, THRESHOLDS) for sample in samples if sample.masks is not None]
    best = best_threshold(images)
    if not f1([each[best] for each in images]):
        return predictor.postprocess.chromosome
    settings = at_threshold(predictor.postprocess, THRESHOLDS[best])
    card = predictor.card
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "postprocess": asdict(settings)}))
    return THRESHOLDS[best]


def scores_at(predictor: MapPredictor, sample: Sample, thresholds: Iterable[float]) -> list[InstanceScore]:
    """Compare what is found in a metaphase with its truth, once for each threshold; the network runs once."""
    probabilities = predictor.infer(sample.image)
    scores = []
    for threshold in thresholds:
        splicer = replace(predictor.splicer, postprocess=at_threshold(predictor.postprocess, threshold))
        found = splicer.splice(sample.image, probabilities)
        scores.append(score_found(found, found, sample))
    return scores


def at_threshold(settings: PostprocessSettings, threshold: float) -> PostprocessSettings:
    """The same settings with another threshold; a region must on average lie half way from there to certainty."""
    return replace(settings, chromosome=threshold, mean=round((1 + threshold) / 2, 3))
