"""What the stages do for networks of maps alone: the probability from which a pixel is chromosome.

It depends on the training: a focal loss that favours positives (α above 0.5) moves it up, few steps move it down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chromseg.annotations import Sample
from chromseg.arrays import F32
from chromseg.evaluation.judging import score_found
from chromseg.evaluation.thresholds import best_threshold, f1
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.metrics import InstanceScore
from chromseg.models.package import write_card

THRESHOLDS: tuple[float, ...] = tuple(np.round(np.arange(0.3, 0.85, 0.05), 2).tolist())


def choose_chromosome_threshold(folder: Path, samples: Iterable[Sample], device: str = "cpu") -> PostprocessSettings:
    """Set the probability from which a pixel is chromosome, by whole validation metaphases, in the model's card.

    The least threshold with the best F1 of what stage 2 then hands out; a match has IoU ≥ 0.8. With it goes the mean
    that a region must reach: half way to certainty, or, for a network that is nowhere so sure, the threshold itself.

    Args:
        folder: The model; its card is written anew.
        samples: Validation metaphases, of which those with instances count; with none, or if nothing matches at any
            threshold, the card stays as it is.
        device: Where the network runs, in PyTorch's words.

    Returns:
        What the card then says.
    """
    predictor = predictor_from_folder(folder, device=device)
    assert isinstance(predictor, MapPredictor)
    own, card = predictor.postprocess, predictor.card
    tried = [each for at in THRESHOLDS for each in (at_threshold(own, at), replace(own, chromosome=at, mean=at))]
    known = (sample for sample in samples if sample.masks is not None)
    images = [scores_with(predictor, predictor.infer(sample.image), sample, tried) for sample in known]
    best = best_threshold(images)
    if not f1([each[best] for each in images]):
        return own
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "postprocess": asdict(tried[best])}))
    return tried[best]


def scores_with(
    predictor: MapPredictor, probabilities: F32, sample: Sample, tried: Sequence[PostprocessSettings]
) -> list[InstanceScore]:
    """Compare what stage 2 makes of a metaphase's probabilities with its truth, once for each of the settings.

    Settings that give equal maps are joined once, since that takes most of the time.
    """
    joined: dict[str, InstanceScore] = {}
    seen = predictor.seen(sample.image)
    scores = []
    for settings in tried:
        splicer = replace(predictor.splicer, postprocess=settings)
        smooth, maps = splicer.decide(seen, probabilities)
        key = _digest(smooth, maps.chromosome, maps.crossing, maps.contact)
        if key not in joined:
            found = splicer.join(seen, smooth, maps)
            joined[key] = score_found(found, found, sample)
        scores.append(joined[key])
    return scores


def _digest(*planes: npt.NDArray[Any] | None) -> str:
    found = hashlib.sha256()
    for plane in planes:
        found.update(b"-" if plane is None else plane.tobytes())
    return found.hexdigest()


def at_threshold(settings: PostprocessSettings, threshold: float) -> PostprocessSettings:
    """The same settings with another threshold; a region must on average lie half way from there to certainty."""
    return replace(settings, chromosome=threshold, mean=round((1 + threshold) / 2, 3))
