"""Mask stages of HTC (Chen et al., CVPR 2019): each reads what the one before made of the box."""

from __future__ import annotations

from torch import Tensor, nn

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.mask_layer import MaskLayer


class MaskFlow(nn.Module):
    """The second and later stages.

    Args:
        config: Of the network.
        inputs: Channels of the RoI features.
    """

    def __init__(self, config: DetectorConfig, inputs: int) -> None:
        super().__init__()
        count = config.mask_stages - 1
        self.join = nn.ModuleList(nn.Conv2d(config.mask_width, inputs, 1) for _ in range(count))
        self.layers = nn.ModuleList(MaskLayer(config, inputs) for _ in range(count))

    def forward(self, x: Tensor, detail: Tensor | None, hidden: Tensor) -> list[Tensor]:
        """Logits (R, 28, 28) of each stage from RoI features, finer ones, and the first stage's last features."""
        found = []
        for join, layer in zip(self.join, self.layers, strict=True):
            logits, hidden = layer(x + join(hidden), detail)
            found.append(logits)
        return found
