"""A picture seen turned by 180° as well: a chromosome has no upper side, the network's errors do."""

from __future__ import annotations

import torch
from torch import Tensor

from chromseg.models.ucrd_net.box_head import CODER, BoxPrediction


def turned(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (R, 4) of an image of `size`, height and width, where they lie once it is turned."""
    height, width = size
    return boxes.new_tensor([width, height, width, height]) - boxes[:, [2, 3, 0, 1]]


def mean_answer(
    one: tuple[Tensor, BoxPrediction], other: tuple[Tensor, BoxPrediction], size: tuple[int, int]
) -> tuple[Tensor, BoxPrediction]:
    """What both views say of the same proposals of one image: their mean boxes, scores and uncertainties.

    Args:
        one: Boxes float32 (R, 4) that entered the last box head, and what it says of them.
        other: The same of the turned image, in its own coordinates.
        size: Height and width of the image.

    Returns:
        The mean boxes, and an answer to them that moves them no more.
    """
    moved = CODER.decode_single(one[1].deltas, one[0]), CODER.decode_single(other[1].deltas, other[0])
    boxes = torch.stack([moved[0], turned(moved[1], size)]).mean(dim=0)
    logits = torch.stack([pred.logits.softmax(dim=1) for _, pred in (one, other)]).mean(dim=0).log()
    sigma, fit = (
        None if first is None or second is None else torch.stack([first, second]).mean(dim=0)
        for first, second in zip(one[1][2:], other[1][2:], strict=True)
    )
    return boxes, BoxPrediction(logits, torch.zeros_like(boxes), sigma, fit)
