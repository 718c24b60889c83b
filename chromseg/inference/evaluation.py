"""Judging a model on samples whose truth is known, the way design §5 defines it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chromseg.annotations.rasterize import BoolArray
from chromseg.annotations.samples import Sample
from chromseg.inference.postprocess import binarize
from chromseg.inference.predictor import Predictor
from chromseg.metrics import CutoutScore, InstanceScore, score_instances, splice_quality
from chromseg.partition import Partition, partition_crossings

NEEDS_REVIEW = "needs-review"


@dataclass(frozen=True)
class CutoutCase:
    """One judged cut-out, with what a picture of it needs.

    Attributes:
        score: Its contribution to the metrics.
        crossing: bool (H, W), predicted.
        masks: bool (N, H, W), predicted.
    """

    score: CutoutScore
    crossing: BoolArray
    masks: BoolArray


def judge_cutout(predictor: Predictor, sample: Sample) -> CutoutCase:
    """Run both stages on a cut-out, and stage 2 alone on its true maps.

    The sample is at the model's own scale and polarity already, so neither is estimated.
    """
    maps = binarize(predictor.probabilities(sample.image), predictor.postprocess, sample.image)
    settings = predictor.card.partition
    found = partition_crossings(maps.chromosome, maps.crossing, sample.image, contact=maps.contact, **settings)
    splice = splice_true = None
    if sample.masks is not None:
        ideal = partition_crossings(sample.chromosome, sample.crossing, sample.image, **settings)
        splice, splice_true = _quality(found, sample.masks), _quality(ideal, sample.masks)
    score = CutoutScore.from_maps(
        sample.name,
        sample.case_id,
        pred_crossing=maps.crossing,
        true_crossing=sample.crossing,
        pred_chromosome=maps.chromosome,
        true_chromosome=sample.chromosome,
        splice=splice,
        splice_true_maps=splice_true,
    )
    return CutoutCase(score, maps.crossing, found.masks)


def judge_metaphase(predictor: Predictor, sample: Sample) -> InstanceScore:
    """Run both stages on a whole metaphase and compare its instances with the truth."""
    if sample.masks is None:
        raise ValueError(f"{sample.name} has maps and no instances")
    probabilities = predictor.probabilities(sample.image)
    maps = binarize(probabilities, predictor.postprocess, sample.image)
    found = partition_crossings(
        maps.chromosome, maps.crossing, sample.image, contact=maps.contact, **predictor.card.partition
    )
    scores = [
        float(probabilities[0][mask].mean()) * sure for mask, sure in zip(found.masks, found.confidence, strict=True)
    ]
    return score_instances(sample.name, sample.case_id, found.masks, np.array(scores), sample.masks)


def _quality(partition: Partition, target: BoolArray) -> float:
    refused = any(NEEDS_REVIEW in flags for flags in partition.flags)
    return splice_quality(partition.masks, target, refused=refused)
