"""Semantic branch of HTC (Chen et al., CVPR 2019): two maps of the whole image, whose features all boxes read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.convolution import convolution
from chromseg.models.ucrd_net.images import ImageBatch
from chromseg.models.ucrd_net.targets import Target


class SemanticBranch(nn.Module):
    """From the finest level to features, and from these to ChromSeg's two maps: chromosome, and crossing.

    HTC predicts classes of stuff; here the maps of the other paper take their place.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        width, norm = config.fpn_width, config.head_norm
        self.stride = 2 ** config.levels[0]
        self.convolutions = nn.Sequential(
            convolution(width, width, 3, norm=norm), nn.ReLU(), convolution(width, width, 3, norm=norm), nn.ReLU()
        )
        self.maps = nn.Conv2d(width, 2, 1)

    def forward(self, finest: Tensor) -> Tensor:
        """Features float32 (B, C, h, w) like `finest`."""
        features: Tensor = self.convolutions(finest)
        return features.float()

    def loss(self, features: Tensor, targets: Sequence[Target], batch: ImageBatch) -> Tensor:
        """Mean cross entropy of both maps over the images that have masks; what is to be ignored is left out.

        Args:
            features: As `forward` gives them.
            targets: Of each image.
            batch: The images.
        """
        logits = self.maps(features).float()
        total, count = logits.sum() * 0, 0.0
        for own, target, size in zip(logits, targets, batch.sizes, strict=True):
            if target.masks is None:
                continue
            wanted, known = _maps(target, size, self.stride)
            height, width = wanted.shape[-2:]
            errors = functional.binary_cross_entropy_with_logits(own[:, :height, :width], wanted, reduction="none")
            total, count = total + (errors * known).sum(), count + float(known.sum()) * len(wanted)
        mean: Tensor = total / max(1.0, count)
        return mean


def _maps(target: Target, size: tuple[int, int], stride: int) -> tuple[Tensor, Tensor]:
    """Shares of each cell that are chromosome and crossing, (2, h, w), and whether it is known, (1, h, w)."""
    assert target.masks is not None
    lying = target.masks.sum(dim=0)
    ignored = torch.zeros_like(lying) if target.ignored is None else target.ignored
    planes = torch.stack([lying > 0, lying > 1, ignored > 0])[None].float()
    cells = [-(-side // stride) for side in size]
    shares = functional.interpolate(planes, size=cells, mode="area")[0]
    return shares[:2], (shares[2:] == 0).float()
