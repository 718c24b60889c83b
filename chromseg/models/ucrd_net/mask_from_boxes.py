"""Masks learned from boxes alone: a projection and a pairwise loss (BoxInst, Tian et al., CVPR 2021).

A mask must reach every side of its box and no further, and neighbours that look alike are both chromosome or both
ground. Distances are of absorbance, where BoxInst compares colours, and cells are those of the box's mask, where it
takes those of the whole image; around the box lies a rim of ground, without which a mask that fills its box would do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import roi_align

from chromseg.models.ucrd_net.features import Features
from chromseg.models.ucrd_net.images import ImageBatch
from chromseg.models.ucrd_net.mask_boxes import drawn, shaken
from chromseg.models.ucrd_net.mask_head import MaskHead
from chromseg.models.ucrd_net.mask_layer import SIDE
from chromseg.models.ucrd_net.rois import with_images
from chromseg.models.ucrd_net.targets import Target

_ALIKE = 0.04  # absorbance; neighbours that differ by no more look alike: a tenth of a chromosome in the usual tone
_APART = 2  # cells between neighbours, as in BoxInst
_STEPS = ((0, _APART), (_APART, 0), (_APART, _APART), (_APART, -_APART))  # rows, columns; the other four are the same
_GROUND = -10.0  # a logit
_LEAST = 1e-6


def losses_from_boxes(
    head: MaskHead,
    batch: ImageBatch,
    features: Features,
    boxes: Sequence[Tensor],
    targets: Sequence[Target],
    most: int,
    weight: float,
) -> dict[str, Tensor]:
    """What masks learn in images of which boxes alone are known; 0, with a gradient of 0, where there are none.

    Args:
        head: The mask head.
        batch: The images.
        features: Of them.
        boxes: True boxes float32 (N, 4) of each, in the batch's pixels.
        targets: Of each; those with masks are left out.
        most: Boxes of each image at most, drawn at random: true ones, shaken as in `mask_boxes`.
        weight: Of both losses.

    Returns:
        "mask_projection" and "mask_pairs".
    """
    alone = [slice(None) if target.masks is None else slice(0) for target in targets]
    chosen = [
        drawn(shaken(own[known], target.labels[known], size), most)
        for own, target, known, size in zip(boxes, targets, alone, batch.sizes, strict=True)
    ]
    seen = [each.boxes for each in chosen]
    logits = head.predict(head.read(features, seen)).own
    rois = torch.cat(seen)
    true = torch.cat([own[each.matched] for own, each in zip(boxes, chosen, strict=True)])
    extents = extents_of(true, rois)
    around = [with_rim(each) for each in seen]
    absorbance: Tensor = roi_align(batch.tensors, with_images(around), SIDE + 2 * _APART, 1.0, -1, aligned=True)[:, 0]
    return {
        "mask_projection": weight * projection_loss(logits, extents),
        "mask_pairs": weight * pairwise_loss(logits, absorbance, extents),
    }


def extents_of(true: Tensor, rois: Tensor) -> Tensor:
    """How much of each column and row of a box's mask the true box covers: float32 (R, 2, 28) in 0-1.

    Args:
        true: float32 (R, 4).
        rois: The boxes that masks are drawn in, likewise.
    """
    corners = (true.view(-1, 2, 2) - rois[:, None, :2]) / (rois[:, None, 2:] - rois[:, None, :2]).clamp(min=_LEAST)
    low, high = (SIDE * corners).unbind(dim=1)  # (R, 2) each, in cells
    cells = torch.arange(SIDE, device=true.device, dtype=true.dtype)
    return (torch.minimum(cells + 1, high[..., None]) - torch.maximum(cells, low[..., None])).clamp(0, 1)


def with_rim(boxes: Tensor) -> Tensor:
    """Boxes (R, 4) and as many cells around each as lie between neighbours."""
    rim = _APART / SIDE * (boxes[:, 2:] - boxes[:, :2])
    return torch.cat([boxes[:, :2] - rim, boxes[:, 2:] + rim], dim=1)


def projection_loss(logits: Tensor, extents: Tensor) -> Tensor:
    """1 less Dice's coefficient of the mask's maxima along columns and rows with the true box's; the sum of both.

    Args:
        logits: float32 (R, 28, 28).
        extents: Of `extents_of`.
    """
    probabilities = logits.sigmoid()
    reached = torch.stack([probabilities.amax(dim=1), probabilities.amax(dim=2)], dim=1)
    common = (reached * extents).sum(dim=-1)
    sizes = reached.square().sum(dim=-1) + extents.square().sum(dim=-1)
    return (1 - 2 * common / sizes.clamp(min=_LEAST)).sum() / max(1, len(logits))


def pairwise_loss(logits: Tensor, absorbance: Tensor, extents: Tensor) -> Tensor:
    """Mean of -log of the probability that neighbours are both chromosome or both ground.

    Of neighbours that look alike, one of which at least lies in the true box; what lies off the mask is ground.

    Args:
        logits: float32 (R, 28, 28).
        absorbance: float32 (R, 32, 32), of the same cells and of two more on each side (`with_rim`).
        extents: Of `extents_of`.
    """
    rim = (_APART,) * 4
    inside = functional.pad((extents[:, 1, :, None] * extents[:, 0, None, :]) > 0, rim)
    surely = functional.pad(logits, rim, value=_GROUND)
    total, count = logits.sum() * 0, logits.new_zeros(())
    for rows, columns in _STEPS:
        (one, other), (here, there), (near, far) = (
            _neighbours(plane, rows, columns) for plane in (surely, absorbance, inside)
        )
        both = functional.logsigmoid(one) + functional.logsigmoid(other)
        neither = functional.logsigmoid(-one) + functional.logsigmoid(-other)
        counted = ((here - there).abs() <= _ALIKE) & (near | far)
        total = total - (torch.logaddexp(both, neither) * counted).sum()
        count = count + counted.sum()
    return total / count.clamp(min=1)


def _neighbours(planes: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Cells of (R, H, W) that have one `rows` below and `columns` to the right of them, and those."""
    height, width = planes.shape[-2:]
    left, right = max(0, -columns), max(0, columns)
    return planes[:, : height - rows, left : width - right], planes[:, rows:, right : width - left]
