"""What the stages do for networks of maps alone: the probabilities from which a pixel is chromosome, and crossing.

It depends on the training: a focal loss that favours positives (α above 0.5) moves it up, few steps move it down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chromseg.annotations import Sample
from chromseg.arrays import F32, U8
from chromseg.evaluation.judging import as_coarse_as, score_found
from chromseg.evaluation.thresholds import error, least_costly
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.metrics import InstanceScore
from chromseg.models.package import write_card

CROSSINGS = (0.4, 0.3, 0.5, 0.6, 0.7, 0.8)  # the usual one first: of equally good ones it stays
THRESHOLDS: tuple[float, ...] = tuple(np.round(np.arange(0.3, 0.85, 0.05), 2).tolist())


def choose_map_settings(folder: Path, samples: Iterable[Sample], device: str = "cpu") -> PostprocessSettings:
    """Set the probabilities from which a pixel is chromosome, and crossing, by whole validation metaphases.

    The least threshold with the best F1 of what stage 2 then hands out; a match has IoU ≥ 0.8. With it goes the mean
    that a region must reach: half way to certainty, or, for a network that is nowhere so sure, the threshold itself.
    Then, with that, the crossing's in the same way.

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
    known = [_Answered.of(predictor, sample) for sample in samples if sample.masks is not None]
    chromosome = [each for at in THRESHOLDS for each in (at_threshold(own, at), replace(own, chromosome=at, mean=at))]
    best, lacking = _best(predictor, known, chromosome)
    if lacking == 1:
        return own
    crossing = [replace(best, crossing=at, crossing_peak=max(at, best.crossing_peak)) for at in CROSSINGS]
    best, _ = _best(predictor, known, crossing)
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "postprocess": asdict(best)}))
    return best


@dataclass(frozen=True)
class _Answered:
    """A metaphase with what the network says of it; its masks packed, since many are held at once."""

    sample: Sample
    masks: U8
    probabilities: npt.NDArray[np.float16]

    @classmethod
    def of(cls, predictor: MapPredictor, sample: Sample) -> _Answered:
        assert sample.masks is not None
        probabilities = predictor.infer(sample.image)
        return cls(replace(sample, masks=None), np.packbits(sample.masks, axis=-1), probabilities.astype(np.float16))

    @property
    def whole(self) -> Sample:
        """With its masks."""
        masks = np.unpackbits(self.masks, axis=-1, count=self.sample.image.shape[1]).view(bool)
        return replace(self.sample, masks=masks)


def _best(
    predictor: MapPredictor, known: Sequence[_Answered], tried: Sequence[PostprocessSettings]
) -> tuple[PostprocessSettings, float]:
    """The first of the settings with the best F1, and what that lacks to 1."""
    images = [scores_with(predictor, each.probabilities.astype(np.float32), each.whole, tried) for each in known]
    best, lacking = least_costly(images, error)
    return tried[best], lacking


def scores_with(
    predictor: MapPredictor, probabilities: F32, sample: Sample, tried: Sequence[PostprocessSettings]
) -> list[InstanceScore]:
    """Compare what stage 2 makes of a metaphase's probabilities with its truth, once for each of the settings.

    Settings that give equal maps are joined once, since that takes most of the time.
    """
    joined: dict[str, InstanceScore] = {}
    seen = predictor.seen(sample.image)
    sample = as_coarse_as(seen.shape, sample)
    scores = []
    for settings in tried:
        splicer = replace(predictor.splicer, postprocess=settings)
        smooth, maps = decided = splicer.decide(seen, probabilities)
        key = _digest(smooth, maps.chromosome, maps.crossing, maps.contact)
        if key not in joined:
            found = splicer.join(seen, decided)
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
