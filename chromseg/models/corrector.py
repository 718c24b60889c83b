"""The corrector: draws an outline anew, as it sees it in its surroundings."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.models.verifier import OUTLINE, PLANES

_CHANNELS = (16, 32, 48, 64)  # of each level, from fine to coarse
_GIVEN = 2.0  # logit at which a pixel of the given outline begins, and minus it outside: no change is the first answer


class Corrector(nn.Module):
    """A U-Net of four levels, two convolutions with batch norm and ReLU at each."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (PLANES, *_CHANNELS[:-1])
        self.down = nn.ModuleList(map(_two, inputs, _CHANNELS))
        self.up = nn.ModuleList(_two(fine + coarse, fine) for fine, coarse in itertools.pairwise(_CHANNELS))
        self.head = nn.Conv2d(_CHANNELS[0], 1, 1)

    def forward(self, views: Tensor) -> Tensor:
        """Logits (N, *SIZE) of the chromosome that each outline is nearest to.

        Args:
            views: float (N, PLANES, *SIZE), 0–1, as of `inference.outline_views`.
        """
        seen, levels = views, []
        for level, convolve in enumerate(self.down):
            seen = convolve(functional.max_pool2d(seen, 2) if level else seen)
            levels.append(seen)
        for finer, convolve in zip(levels[-2::-1], reversed(self.up), strict=True):
            seen = convolve(torch.cat([finer, functional.interpolate(seen, scale_factor=2)], dim=1))
        logits: Tensor = self.head(seen)
        return logits[:, 0] + _GIVEN * (2 * views[:, OUTLINE] - 1)


def _two(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_one(inputs, outputs), *_one(outputs, outputs))


def _one(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
