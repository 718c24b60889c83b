"""Detections of a whole picture against its truth, by masks, or by boxes where there are no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from chromseg.annotations.samples import Sample
from chromseg.arrays import I64, Bool
from chromseg.errors import DataError
from chromseg.evaluation.judging import judge_metaphase
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.predictor import Predictor
from chromseg.metrics import InstanceScore, counted_boxes, counted_masks, handed_out, score_boxes, score_instances
from chromseg.models.ucrd_net import Detections


def judge_image(predictor: Predictor, sample: Sample) -> InstanceScore:
    """Compare what is found in a whole image with the truth, by masks, or by boxes where there are no others.

    Where only boxes are known they are those of the first look.

    Raises:
        DataError: Only boxes are known, and the model finds none.
    """
    if sample.boxes is None:
        return judge_metaphase(predictor, sample)
    if not isinstance(predictor, InstancePredictor):
        raise DataError(
            f"sample {sample.name} with boxes only", expected="masks", remedy="judge a detector on it, or another set"
        )
    (score,) = scores_at(predictor, predictor.infer(sample.image), sample, [predictor.settings.score])
    return score


def scores_at(
    predictor: InstancePredictor, detections: Detections, sample: Sample, thresholds: Sequence[float]
) -> list[InstanceScore]:
    """Compare the detections of an image with its truth, once for each class score from which they are handed out.

    As `judge_metaphase` does, but masks are drawn once for all thresholds. Where only boxes are known, boxes are
    compared.
    """
    found = detections.to("cpu")
    masks = predictor.masks_of(found, sample.image.shape)
    seen = np.flatnonzero(masks.any(axis=(1, 2)) & _counted(found, masks, sample))
    found, masks = found.take(torch.from_numpy(seen)), masks[seen]
    everything = _compared(found, masks, sample)
    ious = (everything.masks or everything.boxes).ious
    doubted = (found.class_scores < predictor.settings.doubtful).numpy()
    sure_ones: dict[int, I64] = {}  # by how many are sure enough, since duplicates take long to find
    scores = []
    for threshold in thresholds:
        sure = torch.nonzero(found.class_scores >= threshold).flatten().numpy()
        if len(sure) not in sure_ones:
            sure_ones[len(sure)] = sure[predictor.distinct(masks[sure])]
        kept = sure_ones[len(sure)]
        scores.append(replace(everything, flagged=doubted[kept], **handed_out(ious[kept])))
    return scores


def _counted(found: Detections, masks: Bool, sample: Sample) -> Bool:
    """Which detections count, bool (D,): not those that lie where nothing is known."""
    if sample.masks is not None:
        return counted_masks(masks, sample.masks, sample.ignored)
    assert sample.boxes is not None
    return counted_boxes(found.boxes.double().numpy(), sample.boxes.astype(np.float64), sample.ignored)


def _compared(found: Detections, masks: Bool, sample: Sample) -> InstanceScore:
    """All detections and their masks bool (D, H, W), compared with the truth."""
    scores = found.scores.double().numpy()
    if sample.masks is not None:
        own_boxes = found.boxes.double().numpy()
        return score_instances(sample.name, sample.case_id, masks, scores, sample.masks, own_boxes=own_boxes)
    assert sample.boxes is not None
    boxes = found.boxes.double().numpy()
    return score_boxes(sample.name, sample.case_id, boxes, scores, sample.boxes.astype(np.float64))
