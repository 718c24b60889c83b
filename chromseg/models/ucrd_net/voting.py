"""Variance voting (He et al., CVPR 2019): a box that stays is moved by those it stands for, the surer the more.

The paper says that UC "corrects the position"; its equations correct the score alone.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_iou


def edge_variances(sigma: Tensor, proposals: Tensor, boxes: Tensor) -> Tensor:
    """Variances of a box's left, top, right and bottom edge in square pixels: float32 (R, 4).

    An edge is the centre less half a side, so it errs with both: (σ_x · w_p)² + (σ_w · w / 2)².

    Args:
        sigma: float32 (R, 4), of the offsets of eq. 1: centre x, y as shares of the proposal, logarithms of the sides.
        proposals: float32 (R, 4).
        boxes: float32 (R, 4), what they were moved to.
    """
    of_proposals, of_boxes = (each[:, 2:] - each[:, :2] for each in (proposals, boxes))
    return ((sigma[:, :2] * of_proposals).square() + (sigma[:, 2:] * of_boxes / 2).square()).repeat(1, 2)


def vote(kept: Tensor, boxes: Tensor, spread: Tensor, softness: float) -> Tensor:
    """Each kept box as the mean of all boxes, weighed by exp(−(1 − IoU)² / τ) over their variances.

    Args:
        kept: float32 (K, 4), xyxy; they are among `boxes`.
        boxes: float32 (N, 4), all that were there before suppression.
        spread: float32 (N, 4), variances of their edges.
        softness: τ.

    Returns:
        float32 (K, 4).
    """
    if not len(kept):
        return kept
    overlap = box_iou(kept, boxes)
    near = torch.exp(-(1 - overlap).square() / softness) * (overlap > 0)  # K, N
    weights = near[:, :, None] / spread.clamp(min=1e-6)
    moved: Tensor = (weights * boxes).sum(dim=1) / weights.sum(dim=1)
    return moved.clamp(min=boxes.amin(dim=0), max=boxes.amax(dim=0))  # a mean may round to beyond what it is of
