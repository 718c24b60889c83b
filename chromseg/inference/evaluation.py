"""Judging a model on samples whose truth is known, the way design §5 defines it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chromseg.annotations.rasterize import BoolArray
from chromseg.annotations.samples import Sample
from chromseg.inference.predictor import Predictor, instance_scores
from chromseg.metrics import CutoutScore, InstanceScore, score_instances, splice_quality
from chromseg.partition import Partition, partition_crossings
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
    crossing: BoolArray
    masks: BoolArray


def judge_cutout(predictor: Predictor, sample: Sample) -> CutoutCase:
    """Run both stages on a cut-out, and stage 2 alone on its true maps.

    The sample is at the model's own scale and polarity already, so neither is estimated.
    """
    maps, found = predictor.partition(sample.image, predictor.probabilities(sample.image))
    splice = splice_true = None
    if sample.masks is not None:
        ideal = partition_crossings(sample.chromosome, sample.crossing, sample.image, **predictor.card.partition)
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
    _, found = predictor.partition(sample.image, probabilities)
    scores = np.array(instance_scores(found, probabilities[0]))
    return score_instances(sample.name, sample.case_id, found.masks, scores, sample.masks)


def _quality(partition: Partition, target: BoolArray) -> float:
    refused = any(NEEDS_REVIEW in flags for flags in partition.flags)
    return splice_quality(partition.masks, target, refused=refused)
