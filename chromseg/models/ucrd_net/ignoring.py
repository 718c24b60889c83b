"""Boxes that meet pixels of which nothing is known: they may hold a chromosome, so they are not held to be ground."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_LEAST = 0.1  # share of a box; an unknown chromosome that lies aslant fills no more than a quarter of its own


class Unknown(NamedTuple):
    """What is not known of one image of a batch.

    Attributes:
        pixels: uint8 or bool (H, W), of the image at its own size; None where all is known.
        factor: float32 (4,); a box xyxy of the image times it is the box in the batch.
    """

    pixels: Tensor | None
    factor: Tensor

    def left_out(self, labels: Tensor, boxes: Tensor) -> Tensor:
        """The labels (N,) of boxes (N, 4) in the batch, -1 in place of 0 (ground) where a tenth of a box is unknown."""
        if self.pixels is None:
            return labels
        unsure = (labels == 0) & (_share(boxes / self.factor, self.pixels) >= _LEAST)
        return torch.where(unsure, -torch.ones_like(labels), labels)


def _share(boxes: Tensor, pixels: Tensor) -> Tensor:
    """The share of each box that lies on `pixels`, float32 (N,), by a table of sums."""
    sums = functional.pad(pixels.float().cumsum(0).cumsum(1), (1, 0, 1, 0))  # [row, col]: all above and left of it
    limit = torch.tensor([pixels.shape[1], pixels.shape[0]] * 2, device=boxes.device)
    left, top, right, bottom = torch.minimum(boxes.round().long().clamp(min=0), limit).unbind(dim=1)
    held = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return held / areas.clamp(min=1)
