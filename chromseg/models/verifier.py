"""The verifier: looks at one outline in its surroundings and says whether it is right."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PLANES = 5  # picture, chromosome map, crossing map, the outline, the other outlines of the same explanation
OUTLINE = 3  # the plane of the outline
SIZE = (96, 48)  # rows along the outline, columns across
FIGURES = 5  # of `inference.verifying.figures_of`
_UNTOLD = 0.2  # of the outlines in training: it is not to lean on figures alone
_BLOCKS = ((24, 2), (32, 1), (48, 2), (48, 1), (64, 2), (64, 1), (96, 2))  # channels and stride


class Verifier(nn.Module):
    """Seven convolutions with batch norm and ReLU, the mean and the largest of each channel, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        inputs = PLANES
        layers: list[nn.Module] = []
        for channels, stride in _BLOCKS:
            layers.append(nn.Conv2d(inputs, channels, 3, stride, 1, bias=False))
            layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
            inputs = channels
        self.convolutions = nn.Sequential(*layers)
        self.figures = nn.Sequential(nn.BatchNorm1d(FIGURES), Untold())
        self.head = nn.Sequential(nn.Linear(2 * inputs + FIGURES, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 2))

    def forward(self, views: Tensor, figures: Tensor) -> tuple[Tensor, Tensor]:
        """What it thinks of outlines.

        Args:
            views: float (N, PLANES, *SIZE), 0–1, as of `inference.outline_views`.
            figures: float (N, FIGURES).

        Returns:
            Logits (N,) that the outline is right, and of its IoU with the chromosome.
        """
        seen = self.convolutions(views)
        logits: Tensor = self.head(torch.cat([_pooled(seen), self.figures(figures)], dim=1))
        return logits[:, 0], logits[:, 1]


class Untold(nn.Module):
    """In training, figures of some outlines at random are all 0, the mean."""

    def forward(self, figures: Tensor) -> Tensor:
        """(N, FIGURES) → (N, FIGURES)."""
        if not self.training:
            return figures
        return figures * (torch.rand(len(figures), 1, device=figures.device) >= _UNTOLD)


def _pooled(seen: Tensor) -> Tensor:
    """Mean and largest of each channel: (N, C, H, W) → (N, 2 C)."""
    return torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)
