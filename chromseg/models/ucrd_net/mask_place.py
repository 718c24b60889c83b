"""What tells a mask head where it is in its box: coordinates, and a view of the whole box (review R1).

Whose arm it is that leaves a crossing is a question about the box, and stacked 3×3 convolutions do not reach its edge.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DILATIONS = (1, 2, 4, 1)  # of the convolutions in turn: four of them reach 17 cells, so each cell sees a border
_CHANNELS, _HIDDEN = 8, 64


def with_coordinates(x: Tensor) -> Tensor:
    """Features (R, C, h, w) and two channels more: x and y of the cells, from -1 at one edge of the box to 1."""
    height, width = x.shape[-2:]
    rows, columns = (
        (2 * torch.arange(count, device=x.device, dtype=x.dtype) + 1) / count - 1 for count in (height, width)
    )
    planes = torch.stack([columns[None, :].expand(height, width), rows[:, None].expand(height, width)])
    return torch.cat([x, planes.expand(len(x), -1, -1, -1)], dim=1)


class WholeBox(nn.Module):
    """Logits from all cells of the box at once, added to those of the convolutions (PANet's fully connected fusion).

    Args:
        inputs: Channels of the features.
        grid: Side of the features.
        side: Side of the mask.
    """

    def __init__(self, inputs: int, grid: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.squeeze = nn.Conv2d(inputs, _CHANNELS, 1)
        self.hidden = nn.Linear(_CHANNELS * grid**2, _HIDDEN)
        self.logits = nn.Linear(_HIDDEN, side**2)
        nn.init.normal_(self.logits.weight, std=0.01)
        nn.init.zeros_(self.logits.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (R, 1, side, side) of features (R, C, grid, grid)."""
        hidden = functional.relu(self.hidden(functional.relu(self.squeeze(x)).flatten(1)))
        logits: Tensor = self.logits(hidden)
        return logits.view(-1, 1, self.side, self.side)
