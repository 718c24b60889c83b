"""The pieces that U-Net and UNet++ are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import ModelConfig


def level_widths(config: ModelConfig) -> list[int]:
    """Channels of levels 0 … depth: `width * growth**i`, at most `max_width`."""
    return [min(round(config.width * config.growth**i), config.max_width) for i in range(config.depth + 1)]


class Node(nn.Module):
    """One node of the grid: two 3×3 convolutions, each with batch norm and ReLU, over all that arrives at it.

    With `squeeze`, a 1×1 convolution first narrows what arrives to `width` channels.

    Args:
        inputs: Channels of all inputs together.
        width: Channels of the output.
        squeeze: Narrow first; about half the work in a node of many inputs.
    """

    def __init__(self, inputs: int, width: int, *, squeeze: bool = False) -> None:
        super().__init__()
        narrowed = width if squeeze else inputs
        self.squeeze = _conv(inputs, width, 1) if squeeze else nn.Identity()
        self.convolutions = nn.Sequential(_conv(narrowed, width, 3), _conv(width, width, 3))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Float (B, width, H, W) from inputs of equal H and W."""
        x = inputs[0] if len(inputs) == 1 else torch.cat(inputs, dim=1)
        return self.convolutions(self.squeeze(x))  # type: ignore[no-any-return]


def down(x: Tensor) -> Tensor:
    """Halve height and width, keeping the largest of each 2×2."""
    return functional.max_pool2d(x, kernel_size=2)


def up(x: Tensor) -> Tensor:
    """Double height and width, bilinear."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _conv(inputs: int, width: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, width, kernel, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
