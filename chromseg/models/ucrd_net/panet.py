"""PANet (Liu et al., CVPR 2018): a path up after the pyramid's way down, and RoIs read from all levels.

Its third idea, a fully connected view of the box beside the mask's convolutions, is `mask_head: fused`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.convolution import convolution
from chromseg.models.ucrd_net.rois import pool_rois


class BottomUpPath(nn.Module):
    """N2 is P2; each deeper N is made of its P and of the N above at half its size: a short way for edges."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        width, norm, above = config.fpn_width, config.head_norm, config.levels[1:]
        self.down = nn.ModuleList(convolution(width, width, 3, norm=norm, stride=2) for _ in above)
        self.output = nn.ModuleList(convolution(width, width, 3, norm=norm) for _ in above)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Levels as given, each (B, C, h, w) of its own h and w, finest first."""
        found = [features[0]]
        for level, down, output in zip(features[1:], self.down, self.output, strict=True):
            smaller = functional.relu(down(found[-1]))
            found.append(functional.relu(output(level + smaller[..., : level.shape[-2], : level.shape[-1]])))
        return found


class AdaptivePooling(nn.Module):
    """Each box is read from every level, each through a convolution of its own; the largest answer counts.

    The paper's layer before the maximum is the first one of each head; here it is one of its own.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.levels = [level for level in config.levels if level < 6] or list(config.levels)  # P6 only proposes
        width = config.fpn_width
        self.adapt = nn.ModuleList(convolution(width, width, 3, norm=config.head_norm) for _ in self.levels)

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor], size: int) -> Tensor:
        """RoI features (R, C, size, size); arguments as of `pool_rois`."""
        read = [
            functional.relu(adapt(pool_rois([feature], boxes, [level], size)))
            for feature, level, adapt in zip(features, self.levels, self.adapt, strict=False)
        ]
        return torch.stack(read).amax(dim=0)
