"""Losses of the mask head: the chromosome of each box, and with `mask_others` what else lies there (review R2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from chromseg.models.ucrd_net.features import Features
from chromseg.models.ucrd_net.mask_edges import edge_loss
from chromseg.models.ucrd_net.mask_head import MaskHead, mask_loss, mask_targets
from chromseg.models.ucrd_net.mask_layer import SIDE
from chromseg.models.ucrd_net.mask_scoring import MaskScoringHead, mask_iou_targets
from chromseg.models.ucrd_net.region import place_parts
from chromseg.models.ucrd_net.sampling import Samples
from chromseg.models.ucrd_net.targets import Target

_UNION = 0.5  # weight of the loss of both layers together
_LEAST = 1e-6


def mask_losses(
    head: MaskHead,
    scoring: MaskScoringHead | None,
    features: Features,
    chosen: Sequence[Samples],
    targets: Sequence[Target],
    factors: Sequence[Tensor],
    stage: int | None = None,
) -> dict[str, Tensor]:
    """Losses of a batch, by name.

    Args:
        head: The mask head.
        scoring: Of Mask Scoring R-CNN, if the network has it.
        features: Of the batch.
        chosen: Boxes of each image in the batch's pixels; none of an image without masks.
        targets: Of each image.
        factors: From the image's pixels to the batch's, each.
        stage: Of the mask head, if it has several; None for what all say together.

    Returns:
        "mask" (eq. 14); with `mask_others` "mask_others", the cross entropy of the second layer, and "mask_union", that
        of 1 - (1 - m̂)(1 - ô), both layers together; with parts that are kept alive "mask_parts"; with edge
        supervision "mask_edge"; with mask scoring "mask_score".
    """
    rois = head.read(features, [each.boxes for each in chosen])
    pred = head.predict(rois, stage)
    own = [each.boxes / factor for each, factor in zip(chosen, factors, strict=True)]  # in the masks' pixels
    masks = [target.masks for target in targets]
    wanted = seen(masks, chosen, own)
    losses = {"mask": mask_loss(pred.own, wanted)}
    if head.edges:
        losses["mask_edge"] = edge_loss(pred.own, wanted)
    if pred.others is not None:
        others = [None if each is None else other_masks(each) for each in masks]
        every = [None if each is None else each.any(dim=0).expand_as(each) for each in masks]
        losses["mask_others"] = mask_loss(pred.others, seen(others, chosen, own))
        losses["mask_union"] = _UNION * union_loss(pred.own, pred.others, seen(every, chosen, own))
    if rois.regions is not None and rois.regions.logits is not None:
        losses["mask_parts"] = part_loss(rois.regions.logits, rois.regions.parts, masks, chosen, own)
    if scoring is not None:
        fit = mask_iou_targets(pred.own.detach(), wanted, _areas(targets, chosen, own), torch.cat(own))
        error = functional.mse_loss(scoring(rois.x, pred.own), fit, reduction="sum")
        losses["mask_score"] = error / max(1, len(fit))
    return losses


def other_masks(masks: Tensor) -> Tensor:
    """For each of masks uint8 or bool (N, H, W), the pixels of all others: bool (N, H, W)."""
    return masks.sum(dim=0, keepdim=True) > masks


def union_loss(own: Tensor, others: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy of 1 - (1 - σ(own))(1 - σ(others)) with targets in 0-1; all (R, 28, 28)."""
    neither = functional.softplus(own) + functional.softplus(others)  # -log of the probability of ground
    either = -torch.log(-torch.expm1(-neither.clamp(min=_LEAST)))
    total = (targets * either + (1 - targets) * neither).sum()
    return total / max(1, targets.numel())


def part_loss(
    logits: Tensor, parts: Tensor, masks: Sequence[Tensor | None], chosen: Sequence[Samples], boxes: Sequence[Tensor]
) -> Tensor:
    """Mean cross entropy of the chromosome in each part of its box.

    Args:
        logits: float32 (P, R, 14, 14).
        parts: float32 (P, R, 4), as xyxy shares of the box.
        masks: As of `seen`.
        chosen: As of `seen`.
        boxes: As of `seen`.
    """
    counts = [len(each) for each in boxes]
    placed = [torch.split(part, counts) for part in place_parts(parts, torch.cat(list(boxes)))]
    wanted = [functional.avg_pool2d(seen(masks, chosen, part)[:, None], 2)[:, 0] for part in placed]
    return mask_loss(logits, torch.stack(wanted))


def seen(masks: Sequence[Tensor | None], chosen: Sequence[Samples], boxes: Sequence[Tensor]) -> Tensor:
    """What each chosen box of all images sees of the mask that it is matched with: float32 (R, 28, 28).

    Args:
        masks: uint8 or bool (N, H, W) of each image; None where they are not known.
        chosen: Of each image.
        boxes: Theirs, in the masks' pixels.
    """
    grids = [boxes[0].new_zeros(0, SIDE, SIDE)]
    for planes, each, own in zip(masks, chosen, boxes, strict=True):
        if planes is not None and len(own):
            grids.append(mask_targets(planes, own, each.matched))
    return torch.cat(grids)


def _areas(targets: Sequence[Target], chosen: Sequence[Samples], boxes: Sequence[Tensor]) -> Tensor:
    """Pixels of the whole masks that the chosen boxes of all images are matched with: float32 (R,)."""
    areas = [boxes[0].new_zeros(0)]
    for target, each, own in zip(targets, chosen, boxes, strict=True):
        if target.masks is not None and len(own):
            areas.append(target.masks.flatten(1).sum(dim=1)[each.matched].to(own))
    return torch.cat(areas)
