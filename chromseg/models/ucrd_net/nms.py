"""Which of several detections of one chromosome stay, without losing another that crosses it.

`box` drops by the overlap of boxes, as Mask R-CNN; two chromosomes that cross, or lie slanted side by side, share much
of their boxes and may drop each other (UCRD-Net Fig. 4). `soft` (Bodla et al., ICCV 2017) lowers scores instead.
`mask` drops by the overlap of the masks, which of two that cross is small.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from chromseg.arrays import Bool
from chromseg.models.ucrd_net.pasting import paste_masks

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


Window = tuple[int, int, Bool, int]  # top, left, mask, its area


def _windows(roi_masks: Tensor, boxes: Tensor) -> list[Window]:
    """Each mask in the window of its box, in whole pixels."""
    windows = []
    corners = boxes.floor().long()
    for roi, box, (left, top) in zip(roi_masks, boxes, corners[:, :2].tolist(), strict=True):
        moved = box - torch.tensor([left, top, left, top], dtype=box.dtype)
        right, bottom = moved[2:].ceil().long().tolist()
        mask = paste_masks(roi[None], moved[None], (bottom, right))[0].numpy()
        windows.append((top, left, mask, int(mask.sum())))
    return windows


def _iou(one: Window, other: Window) -> float:
    top, left = max(one[0], other[0]), max(one[1], other[1])
    bottom = min(one[0] + one[2].shape[0], other[0] + other[2].shape[0])
    right = min(one[1] + one[2].shape[1], other[1] + other[2].shape[1])
    if bottom <= top or right <= left:
        return 0.0
    a, b = (mask[top - y : bottom - y, left - x : right - x] for y, x, mask, _ in (one, other))
    common = int(np.count_nonzero(a & b))
    return common / max(1, one[3] + other[3] - common)
