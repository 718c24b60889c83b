"""Conditional masks (CondInst, Tian et al., ECCV 2020; review R6): the box as a whole chooses the filters of its mask.

A straight bar is |n·p| < b, so two hidden units over coordinates can draw one; which, the box decides.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.models.ucrd_net.mask_place import with_coordinates

_CHANNELS, _HIDDEN = 8, 8
_SIZES = ((_CHANNELS + 2, _HIDDEN), (_HIDDEN, _HIDDEN), (_HIDDEN, 1))  # inputs and outputs of the small network
_COUNT = sum(inputs * outputs + outputs for inputs, outputs in _SIZES)


class ConditionalReadout(nn.Module):
    """Mask logits by a network of three layers whose weights are predicted for each box.

    Args:
        inputs: Channels of the box's features.
        grid: Side of them.
        width: Channels of the finer features that the mask is drawn from.
        hidden: Units between the box's features and the weights.
    """

    def __init__(self, inputs: int, grid: int, width: int, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, _CHANNELS, 1)
        last = nn.Linear(hidden, _COUNT)
        nn.init.normal_(last.weight, std=0.01)
        with torch.no_grad():  # filters of a usual size that all boxes start from
            last.bias.copy_(torch.cat([_first(*sizes) for sizes in _SIZES]))
        self.weights = nn.Sequential(nn.Flatten(), nn.Linear(inputs * (grid // 2) ** 2, hidden), nn.ReLU(), last)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        """Logits (R, 1, side, side) from features (R, C, grid, grid) and finer ones (R, W, side, side)."""
        drawn = with_coordinates(self.squeeze(fine))
        shape = drawn.shape
        drawn, weights = drawn.flatten(2), self.weights(functional.avg_pool2d(x, 2))
        for depth, (inputs, outputs) in enumerate(_SIZES):
            kernel, bias, weights = weights.split(
                [inputs * outputs, outputs, weights.shape[1] - (inputs + 1) * outputs], dim=1
            )
            drawn = kernel.reshape(-1, outputs, inputs) @ drawn + bias[..., None]
            drawn = functional.relu(drawn) if depth < len(_SIZES) - 1 else drawn
        return drawn.reshape(len(x), 1, *shape[2:])


def _first(inputs: int, outputs: int) -> Tensor:
    kernel = torch.randn(outputs * inputs) * (2 / inputs) ** 0.5
    return torch.cat([kernel, torch.zeros(outputs)])
