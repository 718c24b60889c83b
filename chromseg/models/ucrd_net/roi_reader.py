"""How a head reads its boxes: from one level or from all, and with the semantic branch's features on top."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.features import Features
from chromseg.models.ucrd_net.panet import AdaptivePooling
from chromseg.models.ucrd_net.rois import pool_rois


class RoiReader(nn.Module):
    """Features of boxes on a grid; without PANet and HTC it has no weights.

    Args:
        config: Of the network.
        size: Side of the grid.
    """

    def __init__(self, config: DetectorConfig, size: int) -> None:
        super().__init__()
        self.levels, self.size = config.levels, size
        self.adaptive = AdaptivePooling(config) if config.all_levels else None

    def forward(self, features: Features, boxes: Sequence[Tensor]) -> Tensor:
        """Float32 (R, C, size, size), images one after the other, of boxes (R_b, 4) of each image."""
        if self.adaptive is None:
            x = pool_rois(features.levels, boxes, self.levels, self.size)
        else:
            x = self.adaptive(features.levels, boxes, self.size)
        if features.semantic is None:
            return x
        return x + pool_rois([features.semantic], boxes, self.levels[:1], self.size)
