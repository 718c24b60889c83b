"""Mask head: from RoI features to the outline inside each box, and its loss (eq. 14)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import roi_align

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.convolution import convolution
from chromseg.models.ucrd_net.region import LearnedDecomposition, RegionDecomposition
from chromseg.models.ucrd_net.rois import pool_rois

GRID = 14  # side of the RoI features that are read
SIDE = 2 * GRID  # side of the mask that is predicted


class MaskHead(nn.Module):
    """Convolutions, one doubling of the resolution, one mask whatever the class."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.levels = config.levels
        width, layers = config.fpn_width, []
        for _ in range(config.mask_convolutions):
            layers += [convolution(width, config.mask_width, 3, norm=config.head_norm), nn.ReLU()]
            width = config.mask_width
        self.convolutions = nn.Sequential(*layers)
        self.upsample = nn.ConvTranspose2d(width, config.mask_width, 2, stride=2)
        self.logits = nn.Conv2d(config.mask_width, 1, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.logits.weight, std=0.01)
        self.region = _region(config)

    def read(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        """RoI features (R, C, 14, 14) of the boxes of each image, fused from five regions with RD."""
        if self.region is None:
            return pool_rois(features, boxes, self.levels, GRID)
        fused: Tensor = self.region(features, boxes, self.levels, GRID).fused
        return fused

    def forward(self, x: Tensor) -> Tensor:
        """Mask logits float32 (R, 28, 28) from what `read` gives."""
        logits: Tensor = self.logits(functional.relu(self.upsample(self.convolutions(x))))
        return logits[:, 0].float()


def mask_targets(masks: Tensor, boxes: Tensor, matched: Tensor) -> Tensor:
    """The true masks seen through boxes: float32 (R, 28, 28), the share of each cell that is chromosome.

    Args:
        masks: uint8 or bool (N, H, W).
        boxes: float32 (R, 4), in the masks' pixels.
        matched: int64 (R,), which mask each box is on.
    """
    used, index = torch.unique(matched, return_inverse=True)  # most masks of a large picture are not needed as floats
    rois = torch.cat([index[:, None].to(boxes), boxes], dim=1)
    grids: Tensor = roi_align(masks[used, None].to(boxes), rois, SIDE, 1.0, -1, aligned=True)
    return grids[:, 0]


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross entropy over cells (eq. 14); 0, with a gradient of 0, without any box."""
    total = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return total / max(1, targets.numel())


def _region(config: DetectorConfig) -> RegionDecomposition | None:
    kinds = {"decomposed": RegionDecomposition, "learned": LearnedDecomposition}
    kind = kinds.get(config.region)
    return None if kind is None else kind(config.fpn_width, config.region_scale)
