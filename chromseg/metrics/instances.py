"""Scores of a whole picture: which chromosomes came out, how many, and how far a score can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chromseg.annotations.clusters import MIN_CROSSING_AREA, regions_of_at_least
from chromseg.annotations.maps import crossing_map
from chromseg.annotations.rasterize import BoolArray
from chromseg.metrics.detection import ImageDetections, average_precision
from chromseg.metrics.overlap import box_ious, boxes_of, mask_ious
from chromseg.metrics.splicing import SPLICE_IOU, assign

_CALIBRATION_BINS = 10


@dataclass(frozen=True)
class InstanceScore:
    """How the instances of one image compare with its truth; small, because the masks are not kept.

    Attributes:
        name: The image.
        case_id: Its case.
        masks: IoUs of masks and scores, for AP.
        boxes: The same for boxes.
        recovered: bool (T,), the true chromosomes that the best assignment finds at IoU ≥ 0.8.
        correct: bool (P,), the predictions it finds them by.
        crosses: bool (T,), the true chromosomes that lie on a crossing region of ≥ 40 px.
    """

    name: str
    case_id: str
    masks: ImageDetections
    boxes: ImageDetections
    recovered: BoolArray
    correct: BoolArray
    crosses: BoolArray


def score_instances(
    name: str, case_id: str, pred: BoolArray, scores: npt.NDArray[np.float64], target: BoolArray
) -> InstanceScore:
    """Compare bool (P, H, W) of scores float (P,) with the truth bool (T, H, W); P and T may be 0.

    Raises:
        MaskError: Not two bool stacks of one image size, or not one score per prediction.
    """
    scores = np.asarray(scores, dtype=np.float64)
    ious = mask_ious(pred, target)
    pairs, pair_ious = assign(ious)
    right = pairs[pair_ious >= SPLICE_IOU]
    return InstanceScore(
        name=name,
        case_id=case_id,
        masks=ImageDetections(ious, scores),
        boxes=ImageDetections(box_ious(boxes_of(pred), boxes_of(target)), scores),
        recovered=np.isin(np.arange(len(target)), right[:, 1]),
        correct=np.isin(np.arange(len(pred)), right[:, 0]),
        crosses=crossing_instances(target),
    )


def crossing_instances(masks: BoolArray) -> BoolArray:
    """Which of bool (N, H, W) cross another, that is, lie on a crossing region of ≥ 40 px: bool (N,)."""
    crossings = regions_of_at_least(crossing_map(masks), MIN_CROSSING_AREA)
    return np.asarray(masks[:, crossings].any(axis=1))


def summarize_instances(images: Sequence[InstanceScore]) -> dict[str, float | None]:
    """The instance metrics of design §4 over a set, fractions 0–1.

    Returns:
        `mask_map`, `mask_ap50`, `mask_ap75`, `box_map`, `box_ap50`; `count_mae`, the mean over images of the error of
        the count; `recovered_80`, the share of all true chromosomes found at IoU ≥ 0.8, and `recall_crossing`, the same
        of those that cross another; `ece` of the scores. None where there is nothing to measure.
    """
    masks = average_precision([image.masks for image in images])
    boxes = average_precision([image.boxes for image in images])
    recovered = _joined([image.recovered for image in images])
    crosses = _joined([image.crosses for image in images])
    scores = np.concatenate([image.masks.scores for image in images]) if images else np.zeros(0)
    return {
        "mask_map": masks.map,
        "mask_ap50": masks.ap50,
        "mask_ap75": masks.ap75,
        "box_map": boxes.map,
        "box_ap50": boxes.ap50,
        "count_mae": _mean(np.array([abs(image.correct.size - image.recovered.size) for image in images])),
        "recall_crossing": _mean(recovered[crosses]),
        "recovered_80": _mean(recovered),
        "ece": expected_calibration_error(scores, _joined([image.correct for image in images])),
    }


def expected_calibration_error(
    confidence: npt.NDArray[np.float64], correct: BoolArray, bins: int = _CALIBRATION_BINS
) -> float | None:
    """How far confidence and accuracy lie apart, averaged over equal-width bins by their share of the predictions.

    Args:
        confidence: float (N,) within 0–1.
        correct: bool (N,).
        bins: Number of bins over 0–1.

    Returns:
        0 (calibrated) to 1; None without predictions. Source: Naeini et al., AAAI 2015.
    """
    if confidence.size == 0:
        return None
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(index, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / confidence.size)


def _joined(flags: Sequence[BoolArray]) -> BoolArray:
    return np.concatenate(flags) if flags else np.zeros(0, dtype=bool)


def _mean(values: npt.NDArray[np.generic]) -> float | None:
    return float(values.mean()) if values.size else None
