"""From predictions to detections: read them, and suppress what was found twice, by box, softly or by mask."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou, clip_boxes_to_image, nms

from chromseg.arrays import Bool
from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.box_head import CODER, Answer
from chromseg.models.ucrd_net.rois import paste_masks
from chromseg.models.ucrd_net.targets import Detections
from chromseg.models.ucrd_net.uncertainty import box_uncertainty, corrected_score, damped_score
from chromseg.models.ucrd_net.voting import edge_variances, vote

DUPLICATE_IOU = 0.9  # boxes that share more give the same mask; before NMS by mask, only one of them goes on
_SOFTNESS = 0.5  # σ of the Gaussian penalty


def soft_nms(boxes: Tensor, scores: Tensor, class_scores: Tensor, score_min: float) -> tuple[Tensor, Tensor]:
    """Lower the scores of detections by exp(−IoU²/σ) for every better one they overlap.

    Args:
        boxes: float32 (N, 4).
        scores: float32 (N,), what they are ranked by.
        class_scores: float32 (N,).
        score_min: One whose lowered class score falls below is dropped.

    Returns:
        Indices int64 (K,) of those kept, best lowered score first, and the factors float32 (K,) of their scores.
    """
    ious = box_iou(boxes, boxes).square_().div_(-_SOFTNESS).exp_().cpu().numpy()  # penalty of each for each
    ranks, sure = scores.double().cpu().numpy(), class_scores.double().cpu().numpy()
    factors, open_, kept = np.ones(len(ranks)), sure >= score_min, []
    while open_.any():
        best = int(np.where(open_, ranks * factors, -math.inf).argmax())
        kept.append(best)
        open_[best] = False
        factors[open_] *= ious[best, open_]
        open_ &= sure * factors >= score_min
    index = torch.tensor(kept, dtype=torch.int64, device=boxes.device)
    return index, torch.as_tensor(factors[kept], dtype=scores.dtype, device=boxes.device)


def mask_nms(roi_masks: Tensor, boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
    """Drop detections whose mask overlaps that of a better one by more than `iou`.

    Args:
        roi_masks: float32 (N, M, M), probabilities.
        boxes: float32 (N, 4).
        scores: float32 (N,).
        iou: Largest mask IoU of two that both stay.

    Returns:
        Indices int64 (K,) of those kept, best first.
    """
    order = scores.argsort(descending=True, stable=True).tolist()
    near = (box_iou(boxes, boxes) > 0).cpu().numpy()
    windows = _windows(roi_masks.cpu(), boxes.cpu())
    kept: list[int] = []
    for index in order:
        rivals = [other for other in kept if near[index, other]]
        if all(_iou(windows[index], windows[other]) <= iou for other in rivals):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64, device=boxes.device)


MaskWindow = tuple[int, int, Bool, int]  # top, left, mask, its area


def _windows(roi_masks: Tensor, boxes: Tensor) -> list[MaskWindow]:
    """Each mask in the window of its box, in whole pixels."""
    windows = []
    corners = boxes.floor().long()
    for roi, box, (left, top) in zip(roi_masks, boxes, corners[:, :2].tolist(), strict=True):
        moved = box - torch.tensor([left, top, left, top], dtype=box.dtype)
        right, bottom = moved[2:].ceil().long().tolist()
        mask = paste_masks(roi[None], moved[None], (bottom, right))[0].numpy()
        windows.append((top, left, mask, int(mask.sum())))
    return windows


def _iou(one: MaskWindow, other: MaskWindow) -> float:
    top, left = max(one[0], other[0]), max(one[1], other[1])
    bottom = min(one[0] + one[2].shape[0], other[0] + other[2].shape[0])
    right = min(one[1] + one[2].shape[1], other[1] + other[2].shape[1])
    if bottom <= top or right <= left:
        return 0.0
    a, b = (mask[top - y : bottom - y, left - x : right - x] for y, x, mask, _ in (one, other))
    common = int(np.count_nonzero(a & b))
    return common / max(1, one[3] + other[3] - common)


_MIN_SIDE = 1.0  # pixels
_SPARE = 2  # times `detections` boxes at most go on to be suppressed by mask


class ScoredBoxes(NamedTuple):
    """Columns of `Detections` that are known before the masks, each (D, …), and `spread`.

    Attributes:
        spread: float32 (D, 4), variances of the edges in square pixels; None without UC.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    class_scores: Tensor
    uncertainty: Tensor | None
    spread: Tensor | None = None

    def take(self, index: Tensor) -> ScoredBoxes:
        """Those at int64 or bool `index`, in its order."""
        return ScoredBoxes(*(None if column is None else column[index] for column in self))  # type: ignore[arg-type]


def read_boxes(answer: Answer, size: tuple[int, int], config: DetectorConfig, correction: float) -> ScoredBoxes:
    """Every proposal's most likely class and its box, if sure enough.

    One proposal gives one box, of whatever class: a chromosome is of one kind only.

    Args:
        answer: The box head's to the proposals of one image.
        size: Height and width of the image; boxes are cut there.
        config: Of the network.
        correction: λ of eq. 11, used with UC that ranks by it.
    """
    proposals, pred = answer
    class_scores, best = pred.logits.softmax(dim=1)[:, 1:].max(dim=1)
    boxes = clip_boxes_to_image(CODER.decode_single(pred.deltas, proposals), size)
    scores, uncertainty, spread = class_scores, None, None
    if pred.sigma is not None:
        uncertainty, spread = box_uncertainty(pred.sigma), edge_variances(pred.sigma, proposals, boxes)
        if config.ranking == "damped":
            scores = damped_score(class_scores, uncertainty, config.damping)
        else:
            scores = corrected_score(class_scores, uncertainty, correction)
    if pred.fit is not None:
        scores = scores * pred.fit.sigmoid()
    sides = boxes[:, 2:] - boxes[:, :2]
    wanted = (class_scores >= config.score_min) & (sides >= _MIN_SIDE).all(dim=1)
    return ScoredBoxes(boxes, best + 1, scores, class_scores, uncertainty, spread).take(wanted)


def suppress(found: ScoredBoxes, config: DetectorConfig) -> ScoredBoxes:
    """Non-maximum suppression by box, best score first. With `nms: mask` only duplicates go; masks decide the rest."""
    if config.nms == "soft":
        kept, factors = soft_nms(found.boxes, found.scores, found.class_scores, config.score_min)
        lowered = found.take(kept)
        lowered = lowered._replace(scores=lowered.scores * factors, class_scores=lowered.class_scores * factors)
        return lowered.take(torch.arange(min(len(kept), config.detections), device=kept.device))
    by_mask = config.nms == "mask"
    kept = nms(found.boxes, found.scores, max(config.nms_iou, DUPLICATE_IOU) if by_mask else config.nms_iou)
    return found.take(kept[: config.detections * (_SPARE if by_mask else 1)])


def settle(found: ScoredBoxes, config: DetectorConfig) -> ScoredBoxes:
    """Which boxes stay, and with `voting` where the others move them."""
    kept = suppress(found, config)
    if not config.voting or found.spread is None:
        return kept
    return kept._replace(boxes=vote(kept.boxes, found.boxes, found.spread, config.voting))


def with_masks(
    found: ScoredBoxes, masks: Tensor, fit: Tensor | None, factor: Tensor, config: DetectorConfig
) -> Detections:
    """The detections of one image in its own pixels.

    Args:
        found: What is left of its boxes, in the batch's pixels.
        masks: float32 (D, 28, 28), probabilities.
        fit: float32 (D,), the IoU that each mask is thought to have; None without mask scoring.
        factor: float32 (4,), from the image's pixels to the batch's.
        config: Of the network.
    """
    result = Detections(*found[:-1], roi_masks=masks)
    if fit is not None:
        scores = result.scores * fit
        result = result._replace(scores=scores).take(scores.argsort(descending=True, stable=True))
    if config.nms == "mask":
        kept = mask_nms(result.roi_masks, result.boxes, result.scores, config.nms_iou)
        result = result.take(kept[: config.detections])
    return result._replace(boxes=result.boxes / factor)
