"""Masks from the grid of a box into the picture: each is resampled in the window of its box only."""

from __future__ import annotations

import torch
from torch import Tensor


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
