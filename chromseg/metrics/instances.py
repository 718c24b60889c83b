"""Scores of a whole picture: which chromosomes came out, how many, and how far a score can be believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from chromseg.annotations.clusters import MIN_CROSSING_AREA, regions_of_at_least
from chromseg.annotations.maps import crossing_map
from chromseg.arrays import F64, Bool
from chromseg.boxes import boxes_of
from chromseg.metrics.bootstrap import Interval, bootstrap_by_case
from chromseg.metrics.calibration import expected_calibration_error
from chromseg.metrics.detection import ImageDetections, average_precision, correct_detections, match_image, precision_of
from chromseg.metrics.overlap import box_ious, mask_ious
from chromseg.metrics.splicing import SPLICE_IOU, assign

_NEAR = 0.5  # IoU from which a prediction is of that chromosome, though its outline may be wrong


@dataclass(frozen=True)
class InstanceScore:
    """How the instances of one image compare with its truth; small, because the masks are not kept.

    Attributes:
        name: The image.
        case_id: Its case.
        masks: IoUs of masks and scores, for AP; None where only boxes are known.
        boxes: The same for boxes.
        recovered: bool (T,), the true chromosomes that the best assignment finds at IoU ≥ 0.8 (of masks, if known).
        correct: bool (P,), the predictions that find one at that IoU in order of score: of two on one chromosome, the
            surer. Calibration counts these.
        crosses: bool (T,), the true chromosomes that lie on a crossing region of ≥ 40 px.
        count: How many chromosomes are handed out as found; P, unless `with_detections` says otherwise.
        edits: How many chromosomes a person would have to draw, take out or draw anew of what is handed out: missing
            ones, invented ones, and those whose outline is below IoU 0.8. A pair below IoU 0.5 is one of each of the
            first two.
        right: bool (C,), which of those handed out have IoU ≥ 0.8 with their chromosome in the best assignment.
        flagged: bool (C,), which of those a person is asked to look at; None for a model that was not asked.
        own_boxes: As `boxes`, of the boxes that a detector gives beside its masks; None for other models.
    """

    name: str
    case_id: str
    masks: ImageDetections | None
    boxes: ImageDetections
    recovered: Bool
    correct: Bool
    crosses: Bool
    count: int
    edits: int
    right: Bool
    flagged: Bool | None = None
    own_boxes: ImageDetections | None = None


def score_instances(
    name: str,
    case_id: str,
    pred: Bool,
    scores: F64,
    target: Bool,
    flagged: Bool | None = None,
    own_boxes: F64 | None = None,
) -> InstanceScore:
    """Compare bool (P, H, W) of scores float (P,) with the truth bool (T, H, W); P and T may be 0.

    `flagged` bool (P,) says which of them a person is asked to look at, `own_boxes` float64 (P, 4) xyxy which boxes a
    detector gave beside its masks.

    Raises:
        MaskError: Not two bool stacks of one image size, or not one score per prediction.
    """
    scores = np.asarray(scores, dtype=np.float64)
    masks, boxes = ImageDetections(mask_ious(pred, target), scores), boxes_of(target)
    return InstanceScore(
        name=name,
        case_id=case_id,
        masks=masks,
        boxes=ImageDetections(box_ious(boxes_of(pred), boxes), scores),
        own_boxes=None if own_boxes is None else ImageDetections(box_ious(own_boxes, boxes), scores),
        correct=correct_detections(masks, SPLICE_IOU),
        crosses=crossing_instances(target),
        flagged=flagged,
        **handed_out(masks.ious),
    )


def score_boxes(
    name: str,
    case_id: str,
    pred: F64,
    scores: F64,
    target: F64,
) -> InstanceScore:
    """The same of an image of which only boxes are known: float64 (P, 4) xyxy of scores (P,) and the truth (T, 4).

    Which chromosomes cross is not known then.
    """
    boxes = ImageDetections(box_ious(pred, target), np.asarray(scores, dtype=np.float64))
    return InstanceScore(
        name=name,
        case_id=case_id,
        masks=None,
        boxes=boxes,
        correct=correct_detections(boxes, SPLICE_IOU),
        crosses=np.zeros(len(target), dtype=bool),
        **handed_out(boxes.ious),
    )


def with_detections(given: InstanceScore, everything: InstanceScore) -> InstanceScore:
    """One score of a detector: AP and calibration of all its detections, the rest of those it hands out.

    Average precision needs the detections of low score too, and what a score means shows only over all of them; a
    chromosome counts as found only if a user gets it.
    """
    return replace(
        everything,
        recovered=given.recovered,
        count=given.count,
        edits=given.edits,
        right=given.right,
        flagged=given.flagged,
    )


class HandedOut(TypedDict):
    """What a user gets of one image; attributes of `InstanceScore`."""

    recovered: Bool
    count: int
    edits: int
    right: Bool


def handed_out(ious: F64) -> HandedOut:
    """Compare what is handed out with the truth, by the best assignment in their table of IoUs, float64 (P, T)."""
    pairs, pair_ious = assign(ious)
    good = pairs[pair_ious >= SPLICE_IOU]
    near = int((pair_ious >= _NEAR).sum())
    found, true = ious.shape
    return {
        "recovered": np.isin(np.arange(true), good[:, 1]),
        "count": found,
        "edits": (true - near) + (found - near) + (near - len(good)),
        "right": np.isin(np.arange(found), good[:, 0]),
    }


def crossing_instances(masks: Bool) -> Bool:
    """Which of bool (N, H, W) cross another, that is, lie on a crossing region of ≥ 40 px: bool (N,)."""
    crossings = regions_of_at_least(crossing_map(masks), MIN_CROSSING_AREA)
    return np.asarray(masks[:, crossings].any(axis=1))


def summarize_instances(images: Sequence[InstanceScore]) -> dict[str, float | None]:
    """The instance metrics of contract §4 over a set, fractions 0–1.

    Returns:
        `mask_map`, `mask_ap50`, `mask_ap75`, `box_map`, `box_ap50`, `box_ap75`, of the boxes around masks where there
        are some, and `own_box_map`, `own_box_ap50`, of a detector's own beside them; `count_mae`, the mean over images
        of the error of the count, and `count_exact`, the share of images without one; `edits`, the mean over images of
        the chromosomes that a person must correct; `recovered_80`, the share of all true chromosomes found at
        IoU ≥ 0.8, and `recall_crossing`, the same of those that cross another; `ece` of the scores; `flag_recall`, the
        share of the wrong that are flagged, `flag_precision`, of the flagged that are wrong, and `flagged_right`, of
        the right that are flagged. None where there is nothing to measure.
    """
    masks = average_precision([image.masks for image in images if image.masks is not None])
    boxes = average_precision([image.boxes for image in images])
    own_boxes = average_precision([image.own_boxes for image in images if image.own_boxes is not None])
    recovered = _joined([image.recovered for image in images])
    crosses = _joined([image.crosses for image in images])
    miscounts = np.array([abs(image.count - image.recovered.size) for image in images])
    return {
        "mask_map": masks.map,
        "mask_ap50": masks.ap50,
        "mask_ap75": masks.ap75,
        "box_map": boxes.map,
        "box_ap50": boxes.ap50,
        "box_ap75": boxes.ap75,
        "own_box_map": own_boxes.map,
        "own_box_ap50": own_boxes.ap50,
        "count_mae": _mean(miscounts),
        "count_exact": _mean(miscounts == 0),
        "edits": _mean(np.array([image.edits for image in images])),
        "recall_crossing": _mean(recovered[crosses]),
        "recovered_80": _mean(recovered),
        "ece": expected_calibration_error(*scores_and_hits(images)),
        **_flagging([image for image in images if image.flagged is not None and image.masks is not None]),
    }


def _flagging(images: Sequence[InstanceScore]) -> dict[str, float | None]:
    """What flags are worth, over images of models that flag."""
    flagged = _joined([image.flagged for image in images if image.flagged is not None])
    right = _joined([image.right for image in images])
    return {
        "flag_recall": _mean(flagged[~right]),
        "flag_precision": _mean(~right[flagged]),
        "flagged_right": _mean(flagged[right]),
    }


def scores_and_hits(images: Sequence[InstanceScore]) -> tuple[F64, Bool]:
    """Score and correctness of every prediction of all images: float64 (P,) and bool (P,)."""
    scores = [np.zeros(0), *(image.boxes.scores for image in images)]
    return np.concatenate(scores), _joined([image.correct for image in images])


def instance_intervals(images: Sequence[InstanceScore], n: int = 500) -> dict[str, Interval | None]:
    """95 % bootstrap intervals by case of the metrics of `summarize_instances`, from `n` drawings.

    Returns:
        Of `mask_map`, `mask_ap50`, `box_ap50`, `count_mae`, `count_exact`, `edits`, `recall_crossing` and
        `recovered_80`; None where undefined.
    """
    cases = [image.case_id for image in images]
    masks = [match_image(image.masks) if image.masks else None for image in images]
    boxes = [match_image(image.boxes) for image in images]
    miscounts = [abs(image.count - image.recovered.size) for image in images]
    crossing = [image.recovered[image.crosses] for image in images]
    known = [(match, case) for match, case in zip(masks, cases, strict=True) if match is not None]
    drawn: dict[str, tuple[Sequence[Any], Callable[[list[Any]], float | None]]] = {
        "mask_map": ([match for match, _ in known], lambda each: precision_of(each).map),
        "mask_ap50": ([match for match, _ in known], lambda each: precision_of(each).ap50),
        "box_ap50": (boxes, lambda each: precision_of(each).ap50),
        "count_mae": (miscounts, lambda each: float(np.mean(each))),
        "count_exact": ([not error for error in miscounts], lambda each: float(np.mean(each))),
        "edits": ([image.edits for image in images], lambda each: float(np.mean(each))),
        "recall_crossing": (crossing, lambda each: _mean(_joined(each))),
        "recovered_80": ([image.recovered for image in images], lambda each: _mean(_joined(each))),
    }
    of_masks = [case for _, case in known]
    return {
        name: bootstrap_by_case(values, of_masks if name.startswith("mask") else cases, statistic, n)
        for name, (values, statistic) in drawn.items()
    }


def _joined(flags: Sequence[Bool]) -> Bool:
    return np.concatenate(flags) if flags else np.zeros(0, dtype=bool)


def _mean(values: npt.NDArray[np.generic]) -> float | None:
    return float(values.mean()) if values.size else None
