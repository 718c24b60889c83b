"""Which boxes the mask head trains on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import box_iou, clip_boxes_to_image

from chromseg.annotations.clusters import MIN_CROSSING_AREA
from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.box_head import CODER, BoxPrediction
from chromseg.models.ucrd_net.sampling import Samples
from chromseg.models.ucrd_net.targets import Target

_LEAST_IOU = 0.7  # of a refined box with the true one; masks are later drawn from boxes of 0.77 at crossings, else 0.90
_JITTER = 0.1  # of a true box's sides, how far each edge moves at most
_COPIES = 2  # of each true box


def choose_mask_boxes(
    config: DetectorConfig,
    samples: Sequence[Samples],
    pred: BoxPrediction,
    boxes: Sequence[Tensor],
    targets: Sequence[Target],
    sizes: Sequence[tuple[int, int]],
) -> list[Samples]:
    """Up to `mask_samples` boxes of each image that has masks.

    They are the proposals that lie on a chromosome, or with `mask_boxes: refined` boxes as they are when masks are
    drawn: those proposals as the box head moves them, and true boxes shaken a little, which are there before it moves
    any well. With `crossing_first`, half of them are of chromosomes that cross another, where there are so many.

    Args:
        config: Of the network.
        samples: What the box head trains on, of each image.
        pred: What it says of all of them.
        boxes: True boxes (N, 4) of each image, in the batch's pixels.
        targets: Of each image.
        sizes: Height and width of each image in the batch.
    """
    answers = torch.split(pred.deltas.detach(), [len(each.boxes) for each in samples])
    chosen = []
    for own, deltas, true, target, size in zip(samples, answers, boxes, targets, sizes, strict=True):
        if target.masks is None:
            chosen.append(own.take(own.positive & False))
            continue
        found = own.take(own.positive)
        if config.mask_boxes == "refined":
            found = _refined(found, deltas[own.positive], true, target.labels, size)
        first = crossing(target.masks)[found.matched] if config.crossing_first else None
        chosen.append(drawn(found, config.mask_samples, first))
    return chosen


def crossing(masks: Tensor) -> Tensor:
    """Which of masks uint8 or bool (N, H, W) cross another: bool (N,)."""
    several = masks.sum(dim=0) > 1
    return (masks.bool() & several).flatten(1).sum(dim=1) >= MIN_CROSSING_AREA


def shaken(true: Tensor, labels: Tensor, size: tuple[int, int]) -> Samples:
    """True boxes (N, 4), each twice with its edges moved by up to a tenth of its sides, of IoU 0.7 and more.

    Args:
        true: float32 (N, 4), in the batch's pixels.
        labels: int64 (N,).
        size: Height and width of the image in the batch, where boxes are cut.
    """
    index = torch.arange(len(true), device=true.device).repeat(_COPIES)
    sides = (true[:, 2:] - true[:, :2])[index].repeat(1, 2)
    moved = true[index] + _JITTER * (2 * torch.rand_like(sides) - 1) * sides
    return _near(Samples(moved, labels[index], index), true, size)


def _refined(found: Samples, deltas: Tensor, true: Tensor, labels: Tensor, size: tuple[int, int]) -> Samples:
    moved = _near(found._replace(boxes=CODER.decode_single(deltas, found.boxes)), true, size)
    beside = shaken(true, labels, size)
    return Samples(*(torch.cat(columns) for columns in zip(moved, beside, strict=True)))


def _near(boxes: Samples, true: Tensor, size: tuple[int, int]) -> Samples:
    """Those that lie well enough on the true box that they are matched with, cut at the image's edge."""
    cut = boxes._replace(boxes=clip_boxes_to_image(boxes.boxes, size))
    ious = box_iou(cut.boxes, true)[torch.arange(len(cut.boxes), device=true.device), cut.matched]
    return cut.take(ious >= _LEAST_IOU)


def drawn(boxes: Samples, most: int, first: Tensor | None = None) -> Samples:
    """Up to `most` of them at random, half of them from those that come `first`, bool (S,), if there are enough."""
    count, device = len(boxes.boxes), boxes.boxes.device
    order = torch.randperm(count, device=device)
    if first is None or count <= most:
        return boxes.take(order[:most])
    ahead = order[first[order]][: -(-most // 2)]
    late = torch.ones(count, dtype=torch.bool, device=device)
    late[ahead] = False
    return boxes.take(torch.cat([ahead, order[late[order]]])[:most])
