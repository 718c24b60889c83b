"""RoIAlign over the levels of the pyramid.

Unlike torchvision's `MultiScaleRoIAlign` it samples without the shift of half a pixel (`aligned=True`): half a pixel of
P2 is two of the image, a fifth of a chromosome's width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import roi_align

_CANONICAL_SIDE, _CANONICAL_LEVEL = 224.0, 4  # a box of this side is read from P4 (FPN, eq. 1)
_SAMPLES = 2  # per cell and direction


def roi_levels(boxes: Tensor, levels: Sequence[int]) -> Tensor:
    """Index into `levels` of the one each box (R, 4) is read from: int64 (R,)."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1).sqrt()
    wanted = torch.floor(_CANONICAL_LEVEL + torch.log2(sides / _CANONICAL_SIDE + 1e-6))
    deepest = min(levels[-1], 5)  # P6 only proposes
    return wanted.clamp(levels[0], deepest).long() - levels[0]


def pool_rois(
    features: Sequence[Tensor], boxes: Sequence[Tensor], levels: Sequence[int], size: int, *, like: Tensor | None = None
) -> Tensor:
    """Features of each box on a grid.

    Args:
        features: float32 (B, C, h, w) of each level; level l has stride 2**l.
        boxes: float32 (R_b, 4) of each image, xyxy in the batch's pixels.
        levels: Those of `features`, ascending and without gaps.
        size: Side of the grid.
        like: float32 (R, 4), boxes that choose the level instead; sub-regions are read where their whole is.

    Returns:
        float32 (R, C, size, size), images one after the other; R may be 0.
    """
    joined = torch.cat(list(boxes))
    image = torch.cat([torch.full_like(each[:, :1], index) for index, each in enumerate(boxes)])
    rois = torch.cat([image, joined], dim=1)
    level = roi_levels(joined if like is None else like, levels)
    pooled = features[0].new_zeros(len(rois), features[0].shape[1], size, size)
    for index, (feature, number) in enumerate(zip(features, levels, strict=True)):
        here = torch.where(level == index)[0]
        if len(here):
            crops = roi_align(feature, rois[here], size, 2.0**-number, _SAMPLES, aligned=True)
            pooled = pooled.index_put((here,), crops.to(pooled.dtype))
    return pooled
