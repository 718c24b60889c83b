"""The pieces that U-Net and UNet++ are made of."""

from __future__ import annotations

from collections.abc import Sequence

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
        self.squeeze = _conv(inputs, width, 1) if squeeze else None
        self.convolutions = nn.Sequential(_conv(narrowed, width, 3), _conv(width, width, 3))

    def forward(self, *inputs: Tensor, below: Tensor | None = None) -> Tensor:
        """Float (B, width, H, W) from inputs of that H and W, and one from the level below, of half of either."""
        if self.squeeze is not None:
            convolution, norm, activation = self.squeeze
            assert isinstance(convolution, nn.Conv2d)
            x = activation(norm(convolved(convolution, inputs, below)))
        else:
            arriving = inputs if below is None else (*inputs, up(below))
            x = arriving[0] if len(arriving) == 1 else torch.cat(arriving, dim=1)
        return self.convolutions(x)  # type: ignore[no-any-return]


def convolved(convolution: nn.Conv2d, inputs: Sequence[Tensor], below: Tensor | None = None) -> Tensor:
    """A 1×1 convolution over inputs as if they lay side by side, last the one from the level below, doubled.

    It is the sum of a convolution of each. Laid side by side on a CPU they took half of a network's time; and since
    doubling and a 1×1 convolution may change places, what is to be doubled is narrowed first.
    """
    arriving = inputs if below is None else (*inputs, below)
    *weights, last = torch.split(convolution.weight, [x.shape[1] for x in arriving], dim=1)
    total = functional.conv2d(arriving[-1], last, convolution.bias)
    if below is not None:
        total = up(total)
    for x, own in zip(arriving[:-1], weights, strict=True):
        total += functional.conv2d(x, own)
    return total


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
