"""Judging a model on samples whose truth is known, the way contract §5 defines it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, Bool
from chromseg.images.scale import as_large_as, extent_of, resize_mask, resized_shape
from chromseg.inference.found import Found
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.predictor import Predictor
from chromseg.metrics import (
    CutoutScore,
    InstanceScore,
    counted_masks,
    score_instances,
    splice_quality,
    with_detections,
)
from chromseg.partition import partition_crossings
from chromseg.partition.cluster import NEEDS_REVIEW


@dataclass(frozen=True)
class CutoutCase:
    """One judged cut-out, with what a picture of it needs.

    Attributes:
        score: Its contribution to the metrics.
        crossing: bool (H, W), predicted.
        masks: bool (N, H, W), predicted.
    """

    score: CutoutScore
    crossing: Bool
    masks: Bool


def judge_cutout(predictor: Predictor, sample: Sample) -> CutoutCase:
    """Predict a cut-out, and run stage 2 alone on its true maps where the family has one.

    A family without maps is judged by where its instances lie and overlap. The sample is at the model's own scale and
    polarity already, so neither is estimated.
    """
    predictor = predictor.without_sureness()  # what splices a cluster refuses it, whatever else is said
    found, drawn = _found_and_drawn(predictor, sample.image)
    sample = as_coarse_as(found.masks.shape[1:], sample, found.closer)
    splice = splice_true = None
    if sample.masks is not None:
        found = _counted(found, sample)
        refused = any(NEEDS_REVIEW in flags for flags in found.flags)
        splice = splice_quality(found.masks, sample.masks, refused=refused)
    if sample.masks is not None and isinstance(predictor, MapPredictor):
        ideal = partition_crossings(sample.chromosome, sample.crossing, sample.image, **predictor.card.partition)
        refused = any(NEEDS_REVIEW in flags for flags in ideal.flags)
        splice_true = splice_quality(ideal.masks, sample.masks, refused=refused)
    known = np.ones_like(sample.chromosome) if sample.ignored is None else ~sample.ignored
    score = CutoutScore.from_maps(
        sample.name,
        sample.case_id,
        pred_crossing=found.crossing & known,
        true_crossing=sample.crossing & known,
        pred_chromosome=found.chromosome & known,
        true_chromosome=sample.chromosome & known,
        splice=splice,
        splice_true_maps=splice_true,
        drawn_chromosome=None if drawn is None else drawn & known,
    )
    return CutoutCase(score, found.crossing, found.masks)


def _found_and_drawn(predictor: Predictor, absorbance: F32) -> tuple[Found, Bool | None]:
    """What `find` gives, and the chromosome map bool (H, W) as a network of maps draws it, whatever the ground is."""
    if not isinstance(predictor, MapPredictor):
        return predictor.find(absorbance), None
    picture, answer, closer = predictor.second_look(absorbance, predictor.look(absorbance))
    found = replace(predictor.solve(picture, answer), closer=closer)
    return found, answer.probabilities[0] >= predictor.postprocess.chromosome


def as_coarse_as(shape: tuple[int, ...], sample: Sample, closer: float = 1.0) -> Sample:
    """A sample at the size (h, w) of what is found in it: a network may see finer than it answers.

    What is measured in pixels, such as crossings of ≥ 40 px, then means the same for a network that was given twice as
    many. `closer` is by how much it was enlarged for that, as of `Found`.
    """
    if sample.image.shape == shape:
        return sample
    extent = extent_of(sample.image.shape, shape, resized_shape(sample.image.shape, closer))

    def sized(mask: Bool) -> Bool:
        return resize_mask(mask, shape, extent)

    masks = sample.masks
    return replace(
        sample,
        image=as_large_as(shape, sample.image),
        masks=None if masks is None else np.array(list(map(sized, masks)), bool).reshape(-1, *shape),
        crossing=sized(sample.crossing),
        chromosome=sized(sample.chromosome),
        ignored=None if sample.ignored is None else sized(sample.ignored),
    )


def judge_metaphase(predictor: Predictor, sample: Sample) -> InstanceScore:
    """Predict a whole metaphase and compare its instances with the truth; a detector's AP counts all detections."""
    found, everything = predictor.find_all(sample.image)
    return score_found(found, everything, as_coarse_as(found.masks.shape[1:], sample, found.closer))


def score_found(found: Found, everything: Found, sample: Sample) -> InstanceScore:
    """Compare what `Predictor.find_all` gave with the truth."""
    if sample.masks is None:
        raise ValueError(f"{sample.name} has maps and no instances")
    all_scored = _scored(everything, sample)
    if found is everything:  # a family that holds nothing back
        return all_scored
    return with_detections(_scored(found, sample), all_scored)


def _scored(found: Found, sample: Sample) -> InstanceScore:
    assert sample.masks is not None
    sized = _counted(found.resized(sample.image.shape), sample)
    flagged = np.array([NEEDS_REVIEW in flags for flags in sized.flags], dtype=bool)
    scores = np.array(sized.scores)
    return score_instances(sample.name, sample.case_id, sized.masks, scores, sample.masks, flagged, sized.boxes)


def _counted(found: Found, sample: Sample) -> Found:
    """What was found, without what lies where nothing is known."""
    if sample.ignored is None or sample.masks is None:
        return found
    return found.subset(np.flatnonzero(counted_masks(found.masks, sample.masks, sample.ignored)).tolist())
