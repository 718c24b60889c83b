"""COCO average precision of one class, as in pycocotools but from tables of IoUs, so that masks need not be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chromseg.arrays import F64, Bool, Intp
from chromseg.errors import MaskError

COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
MAX_DETECTIONS = 500
_RECALL_LEVELS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class ImageDetections:
    """What AP needs of one image.

    Attributes:
        ious: float64 (D, T), of `mask_ious` or `box_ious` (given `crowd` there too, if there is any).
        scores: float64 (D,).
        crowd: bool (T,), True where the truth is to be ignored: neither to be found nor held against a detection.
    """

    ious: F64
    scores: F64
    crowd: Bool | None = None

    def __post_init__(self) -> None:
        crowd = self.ious.shape[1:] if self.crowd is None else self.crowd.shape
        if self.ious.ndim != 2 or self.scores.shape != self.ious.shape[:1] or crowd != self.ious.shape[1:]:
            raise MaskError(
                f"IoUs {self.ious.shape}, scores {self.scores.shape}, crowd flags {crowd}",
                expected="IoUs (D, T), scores (D,), crowd flags (T,)",
                remedy="give one score per detection",
            )


class AveragePrecision(NamedTuple):
    """COCO's three headline figures, 0–1; all None when there is nothing to find."""

    map: float | None
    ap50: float | None
    ap75: float | None


def average_precision(images: Sequence[ImageDetections], max_detections: int = MAX_DETECTIONS) -> AveragePrecision:
    """Average precision over all images at IoU 0.50:0.05:0.95, interpolated at 101 recall levels.

    Args:
        images: One entry per image; an image without detections or without truth counts as well.
        max_detections: Only so many best-scored detections of an image count.

    Returns:
        mAP, AP50, AP75; None each if no image has a chromosome that is not a crowd.
    """
    return precision_of([match_image(image, max_detections) for image in images])


class MatchedImage(NamedTuple):
    """An image whose detections are matched, in order of score; enough for the AP of any set it belongs to.

    Attributes:
        scores: float64 (D,).
        hits: bool (thresholds, D).
        ignored: bool (thresholds, D), those on a crowd.
        targets: Number of true instances, crowds not counted.
    """

    scores: F64
    hits: Bool
    ignored: Bool
    targets: int


def match_image(image: ImageDetections, max_detections: int = MAX_DETECTIONS) -> MatchedImage:
    """Match an image's best detections with its truth at every threshold of COCO."""
    best = _taken(image, _ranking(image)[:max_detections])
    return MatchedImage(best.scores, *_match(best, COCO_THRESHOLDS), int((~_crowd(image)).sum()))


def correct_detections(image: ImageDetections, threshold: float) -> Bool:
    """Which detections find a true instance of their own at one IoU, matched in order of score: bool (D,)."""
    order = _ranking(image)
    hits, _ = _match(_taken(image, order), np.array([threshold]))
    return np.asarray(hits[0, np.argsort(order)])


def precision_of(images: Sequence[MatchedImage]) -> AveragePrecision:
    """`average_precision` of images that are matched already, so that a bootstrap matches each only once."""
    n_targets = sum(image.targets for image in images)
    if n_targets == 0:
        return AveragePrecision(None, None, None)
    scores = np.concatenate([image.scores for image in images])
    hits = np.concatenate([image.hits for image in images], axis=1)  # thresholds, detections
    ignored = np.concatenate([image.ignored for image in images], axis=1)
    order = np.argsort(-scores, kind="stable")
    precisions = [_area(hit[~ign], n_targets) for hit, ign in zip(hits[:, order], ignored[:, order], strict=True)]
    return AveragePrecision(float(np.mean(precisions)), precisions[0], precisions[5])


def _crowd(image: ImageDetections) -> Bool:
    return np.zeros(image.ious.shape[1], dtype=bool) if image.crowd is None else image.crowd


def _ranking(image: ImageDetections) -> Intp:
    """Indices of the detections, best score first: (D,)."""
    return np.argsort(-image.scores, kind="stable")


def _taken(image: ImageDetections, order: Intp) -> ImageDetections:
    return ImageDetections(image.ious[order], image.scores[order], image.crowd)


def _match(image: ImageDetections, thresholds: F64) -> tuple[Bool, Bool]:
    """Greedy matching of detections, best first, at every threshold: hits and ignored, bool (thresholds, D) each.

    A detection takes the free target it covers best; a crowd, which is never used up, only if no target fits.
    Of equally good targets the last is taken, as pycocotools does.
    """
    crowd = _crowd(image)
    floor = np.minimum(thresholds, 1 - 1e-10)[:, None]  # as pycocotools has it
    free = np.tile(~crowd, (len(floor), 1))  # thresholds, targets
    hits = np.zeros((len(floor), len(image.scores)), dtype=bool)
    ignored = np.zeros_like(hits)
    levels = np.arange(len(floor))
    for index, ious in enumerate(image.ious):
        good = ious[None, :] >= floor
        ignored[:, index] = (good & crowd).any(axis=1)
        if free.shape[1]:
            masked = np.where(good & free, ious, -1.0)[:, ::-1]
            best = free.shape[1] - 1 - masked.argmax(axis=1)
            hits[:, index] = masked.max(axis=1) >= 0
            free[levels[hits[:, index]], best[hits[:, index]]] = False
    return hits, ignored & ~hits


def _area(hits: Bool, n_targets: int) -> float:
    """Area under the interpolated precision-recall curve of detections in order of score."""
    true_positives = np.cumsum(hits)
    precision = true_positives / np.arange(1, hits.size + 1)
    recall = true_positives / n_targets
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at: Intp = np.searchsorted(recall, _RECALL_LEVELS, side="left")
    return float(np.append(precision, 0.0)[np.minimum(at, hits.size)].mean())
