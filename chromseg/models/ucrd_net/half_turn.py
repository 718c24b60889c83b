"""A picture seen turned by 180° as well: a chromosome has no upper side, the network's errors do."""

from __future__ import annotations

import torch
from torch import Tensor

from chromseg.models.ucrd_net.box_head import CODER, Answer, BoxPrediction


def turned(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (R, 4) of an image of `size`, height and width, where they lie once it is turned."""
    height, width = size
    return boxes.new_tensor([width, height, width, height]) - boxes[:, [2, 3, 0, 1]]


def mean_answer(one: Answer, other: Answer, size: tuple[int, int]) -> Answer:
    """What both views say of the same proposals: their mean boxes, scores and uncertainties.

    Args:
        one: Of an image.
        other: Of the image turned, where the boxes lie in that.
        size: Height and width of the image.

    Returns:
        The mean boxes, and an answer to them that moves them no more.
    """
    moved = (CODER.decode_single(pred.deltas, boxes) for boxes, pred in (one, other))
    boxes = (next(moved) + turned(next(moved), size)) / 2
    logits = torch.stack([pred.logits.softmax(dim=1) for _, pred in (one, other)]).mean(dim=0).log()
    sigma, fit = (
        None if own is None or its is None else (own + its) / 2
        for own, its in zip(one[1][2:], other[1][2:], strict=True)
    )
    return boxes, BoxPrediction(logits, torch.zeros_like(boxes), sigma, fit)
