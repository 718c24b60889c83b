"""Which proposals the heads train on, and what they should say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.ops import box_iou

from chromseg.models.ucrd_net.ignoring import Unknown

_POSITIVE_IOU = 0.5
_POSITIVE_SHARE = 0.25


class Samples(NamedTuple):
    """Proposals of one image to train on.

    Attributes:
        boxes: float32 (S, 4), xyxy.
        labels: int64 (S,), 0 for background.
        matched: int64 (S,), the true chromosome of each; meaningless where the label is 0.
    """

    boxes: Tensor
    labels: Tensor
    matched: Tensor

    @property
    def positive(self) -> Tensor:
        """Those on a chromosome, bool (S,)."""
        return self.labels > 0

    def take(self, index: Tensor) -> Samples:
        """Those at int64 or bool `index`, in its order."""
        return Samples(*(column[index] for column in self))


def sample_proposals(
    proposals: Sequence[Tensor],
    boxes: Sequence[Tensor],
    labels: Sequence[Tensor],
    count: int,
    unknown: Sequence[Unknown] = (),
) -> list[Samples]:
    """Draw up to `count` proposals of each image, up to a quarter of them on chromosomes (box IoU ≥ 0.5).

    The true boxes are proposals too, as in torchvision. What is on no chromosome, and by what is `unknown` of its image
    not surely ground, is not drawn.
    """
    matched = [
        match_boxes(torch.cat([found, true]), true, label)
        for found, true, label in zip(proposals, boxes, labels, strict=True)
    ]
    if unknown:
        matched = [
            each._replace(labels=own.left_out(each.labels, each.boxes))
            for each, own in zip(matched, unknown, strict=True)
        ]
    positive, negative = BalancedPositiveNegativeSampler(count, _POSITIVE_SHARE)([each.labels for each in matched])
    chosen = [torch.where(yes | no)[0] for yes, no in zip(positive, negative, strict=True)]
    return [each.take(index) for each, index in zip(matched, chosen, strict=True)]


def match_boxes(candidates: Tensor, boxes: Tensor, labels: Tensor, least: float = _POSITIVE_IOU) -> Samples:
    """Each of candidates (S, 4) with the true box (N, 4) that it overlaps most; background below IoU `least`."""
    if len(boxes) == 0:
        nothing = torch.zeros(len(candidates), dtype=torch.int64, device=candidates.device)
        return Samples(candidates, nothing, nothing)
    iou, matched = box_iou(boxes, candidates).max(dim=0)
    return Samples(candidates, torch.where(iou >= least, labels[matched], 0), matched)
