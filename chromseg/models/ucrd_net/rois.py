"""From a picture to the cells of a RoI, and from the cells of its mask back to the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import roi_align


def paste_masks(roi_masks: Tensor, boxes: Tensor, size: tuple[int, int], *, threshold: float = 0.5) -> Tensor:
    """Masks of a whole picture.

    Args:
        roi_masks: float (D, M, M), probabilities inside the box.
        boxes: float (D, 4), xyxy in pixels between the picture's edges.
        size: H, W of the picture.
        threshold: Probability from which on a pixel belongs to the mask.

    Returns:
        bool (D, H, W); pixels whose centre lies outside the box are False. D may be 0.
    """
    masks = torch.zeros((len(boxes), *size), dtype=torch.bool, device=boxes.device)
    for mask, roi, (left, top, right, bottom) in zip(masks, roi_masks.float(), boxes.tolist(), strict=True):
        rows, row_weights = _resampling(top, bottom, size[0], roi.shape[0])
        columns, column_weights = _resampling(left, right, size[1], roi.shape[1])
        mask[rows, columns] = row_weights.to(roi) @ roi @ column_weights.to(roi).T >= threshold
    return masks


def _resampling(start: float, end: float, length: int, cells: int) -> tuple[slice, Tensor]:
    """Pixels of a line whose centres lie in [start, end), and the (pixels, cells) matrix of linear interpolation."""
    first, last = (min(max(0, round(edge)), length) for edge in (start, end))
    pixels = slice(first, max(first, last))
    places = ((torch.arange(pixels.start, pixels.stop) + 0.5 - start) / max(end - start, 1e-6)) * cells - 0.5
    distance = (places.clamp(0, cells - 1)[:, None] - torch.arange(cells)).abs()
    return pixels, (1 - distance).clamp(min=0)


_CANONICAL_SIDE, _CANONICAL_LEVEL = 224.0, 4  # a box of this side is read from P4 (FPN, eq. 1)
_SAMPLES = 2  # per cell and direction


def roi_levels(boxes: Tensor, levels: Sequence[int]) -> Tensor:
    """Index into `levels` of the one each box (R, 4) is read from: int64 (R,)."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1).sqrt()
    wanted = torch.floor(_CANONICAL_LEVEL + torch.log2(sides / _CANONICAL_SIDE + 1e-6))
    deepest = min(levels[-1], 5)  # P6 only proposes
    return wanted.clamp(levels[0], deepest).long() - levels[0]


def with_images(boxes: Sequence[Tensor]) -> Tensor:
    """The boxes (R_b, 4) of each image as one table (R, 5), the image's number first, as RoIAlign takes them."""
    numbered = [torch.cat([torch.full_like(each[:, :1], index), each], dim=1) for index, each in enumerate(boxes)]
    return torch.cat(numbered)


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
    rois = with_images(boxes)
    level = roi_levels(rois[:, 1:] if like is None else like, levels)
    pooled = features[0].new_zeros(len(rois), features[0].shape[1], size, size)
    for index, (feature, number) in enumerate(zip(features, levels, strict=True)):
        here = torch.where(level == index)[0]
        if len(here):
            crops = roi_align(feature, rois[here], size, 2.0**-number, _SAMPLES, aligned=True)
            pooled = pooled.index_put((here,), crops.to(pooled.dtype))
    return pooled
