"""Mask Scoring R-CNN (Huang et al., CVPR 2019): how well the predicted mask will fit, as a factor of the score."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.convolution import convolution
from chromseg.models.ucrd_net.mask_layer import GRID, SIDE


class MaskScoringHead(nn.Module):
    """Predicts the IoU of a mask from the RoI features and the mask itself."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        width, inputs, layers = config.mask_width, config.fpn_width + 1, []
        for stride in (1, 1, 1, 2):
            layers += [convolution(inputs, width, 3, norm=config.head_norm, stride=stride), nn.ReLU()]
            inputs = width
        self.layers = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(width * (GRID // 2) ** 2, config.head_width),
            nn.ReLU(),
            nn.Linear(config.head_width, config.head_width),
            nn.ReLU(),
            nn.Linear(config.head_width, 1),
        )

    def forward(self, x: Tensor, mask_logits: Tensor) -> Tensor:
        """IoU float32 (R,), about 0–1, from RoI features (R, C, 14, 14) and mask logits (R, 28, 28)."""
        mask = functional.max_pool2d(mask_logits.detach().sigmoid()[:, None], 2)
        iou: Tensor = self.layers(torch.cat([x, mask.to(x.dtype)], dim=1))[:, 0]
        return iou.float()


def mask_iou_targets(mask_logits: Tensor, targets: Tensor, areas: Tensor, boxes: Tensor) -> Tensor:
    """IoU of the predicted with the whole true mask, what lies outside the box included: float32 (R,).

    Args:
        mask_logits: float32 (R, 28, 28).
        targets: float32 (R, 28, 28), `mask_targets`.
        areas: float32 (R,), pixels of each whole true mask.
        boxes: float32 (R, 4), in the masks' pixels.
    """
    cell = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) / SIDE**2  # pixels
    pred = (mask_logits > 0).float()
    common, found = ((plane.sum(dim=(1, 2)) * cell) for plane in (pred * targets, pred))
    return common / (found + areas - common).clamp(min=1e-6)
