"""Regression confidence of RC-Net (Liu et al., Frontiers in Genetics 2022): how well the moved box will fit.

It corrects the class confidence before NMS; the mask's confidence, as of Mask Scoring R-CNN, corrects it afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou

from chromseg.models.ucrd_net.sampling import Samples


def fit_loss(fit: Tensor, moved: Tensor, samples: Sequence[Samples], boxes: Sequence[Tensor]) -> Tensor:
    """Mean cross entropy of the predicted with the real IoU over samples on chromosomes.

    Args:
        fit: float32 (R,), logits, of all samples.
        moved: float32 (R, 4), where the head moves each sample's box.
        samples: Of each image.
        boxes: True boxes (N, 4) of each image.
    """
    ious, start = [], 0
    for each, true in zip(samples, boxes, strict=True):
        own = moved[start : start + len(each.boxes)][each.positive]
        start += len(each.boxes)
        ious.append(box_iou(own, true)[torch.arange(len(own), device=own.device), each.matched[each.positive]])
    wanted, positive = torch.cat(ious), torch.cat([each.positive for each in samples])
    loss = functional.binary_cross_entropy_with_logits(fit[positive], wanted, reduction="sum")
    return loss / max(1, len(wanted))
