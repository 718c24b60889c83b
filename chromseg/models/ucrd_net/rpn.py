"""Region proposals: torchvision's network, whose losses are asked for instead of depending on the training mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead, concat_box_prediction_layers

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.anchors import resolve_anchors
from chromseg.models.ucrd_net.ignoring import Unknown
from chromseg.models.ucrd_net.images import ImageBatch

_SD = 0.01  # of first weights, as in RPNHead


class ProposalNetwork(nn.Module):
    """From FPN features to boxes that may hold a chromosome."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        anchors = resolve_anchors(config)
        candidates, kept = (
            dict(zip(("training", "testing"), counts, strict=True))
            for counts in (config.rpn_candidates, config.rpn_proposals)
        )
        shared = torch.empty(config.fpn_width, config.fpn_width, 3, 3).normal_(std=_SD)
        self.rpn: Any = RegionProposalNetwork(
            AnchorGenerator(anchors.sizes, (anchors.ratios,) * len(anchors.sizes)),
            RPNHead(config.fpn_width, len(anchors.sizes[0]) * len(anchors.ratios)),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=config.rpn_samples,
            positive_fraction=0.5,
            pre_nms_top_n=candidates,
            post_nms_top_n=kept,
            nms_thresh=config.rpn_nms_iou,
        )
        with torch.no_grad():  # RPNHead draws it after layers whose size is the number of anchors
            self.rpn.head.conv[0][0].weight.copy_(shared)

    def forward(
        self,
        images: ImageBatch,
        features: Sequence[Tensor],
        boxes: Sequence[Tensor] | None = None,
        unknown: Sequence[Unknown] = (),
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Propose.

        Args:
            images: The batch.
            features: float32 (B, C, h, w), finest first. float32 even under autocast: they decide the anchors' type.
            boxes: True boxes float32 (N, 4) of each image, if the losses are wanted.
            unknown: What is not known of each image; none where all is.

        Returns:
            Proposals (P, 4) of each image, best first; the losses "rpn_objectness" and "rpn_box", if wanted.
        """
        image_list = ImageList(images.tensors, images.sizes)
        objectness, deltas = self.rpn.head(list(features))
        anchors = self.rpn.anchor_generator(image_list, list(features))
        per_level = [level[0].numel() for level in objectness]
        objectness, deltas = concat_box_prediction_layers(objectness, deltas)
        objectness, deltas = objectness.float(), deltas.float()
        decoded = self.rpn.box_coder.decode(deltas.detach(), anchors).view(len(anchors), -1, 4)
        proposals, _ = self.rpn.filter_proposals(decoded, objectness, images.sizes, per_level)
        return proposals, {} if boxes is None else self._losses(objectness, deltas, anchors, boxes, unknown)

    def _losses(
        self,
        objectness: Tensor,
        deltas: Tensor,
        anchors: list[Tensor],
        boxes: Sequence[Tensor],
        unknown: Sequence[Unknown],
    ) -> dict[str, Tensor]:
        labels, matched = self.rpn.assign_targets_to_anchors(anchors, [{"boxes": each} for each in boxes])
        if unknown:
            labels = [own.left_out(*each) for own, *each in zip(unknown, labels, anchors, strict=True)]
        wanted = self.rpn.box_coder.encode(matched, anchors)
        objectness_loss, box_loss = self.rpn.compute_loss(objectness, deltas, labels, wanted)
        return {"rpn_objectness": objectness_loss, "rpn_box": box_loss}
