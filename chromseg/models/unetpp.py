"""UNet++ (Zhou et al., IEEE TMI 39:1856, 2019): the grid of nodes, and the plain network as a baseline.

Node `x_i_j` lies at level `i` (resolution 1/2**i) and place `j` of the skip path, with i + j ≤ depth:

    x_0_0 ─ x_0_1 ─ x_0_2 ─ x_0_3 ─ x_0_4
        x_1_0 ─ x_1_1 ─ x_1_2 ─ x_1_3
            x_2_0 ─ x_2_1 ─ x_2_2
                x_3_0 ─ x_3_1
                    x_4_0

    x_i_0 reads down(x_{i-1}_0);   x_i_j reads x_i_0 … x_i_{j-1} and up(x_{i+1}_{j-1}).
"""

from __future__ import annotations

import dataclasses
from typing import Self

from torch import Tensor, nn

from chromseg.config import ModelConfig
from chromseg.models.blocks import Node, down, level_widths
from chromseg.models.maps import Head, MapNetwork, Maps


class Grid(nn.Module):
    """The nodes of UNet++; `nodes[i][j]` is `x_i_j`.

    Speed on a CPU comes from narrow levels and from `squeeze`, not from depthwise convolutions, which are bound by
    memory there; batch norm vanishes at inference (`chromseg.models.fold`) and makes a batch of one no special case.

    Args:
        config: Depth, widths and whether nodes squeeze.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = level_widths(config)

        def node(i: int, j: int) -> Node:
            if j == 0:
                return Node(config.fine**2 if i == 0 else width[i - 1], width[i])
            return Node(j * width[i] + width[i + 1], width[i], squeeze=config.squeeze)

        depth = config.depth
        self.nodes = nn.ModuleList(nn.ModuleList(node(i, j) for j in range(depth + 1 - i)) for i in range(depth + 1))

    def forward(self, image: Tensor, level: int) -> list[Tensor]:
        """The top row `[x_0_0, …, x_0_level]`, each (B, width, H, W), computing only the nodes with i + j ≤ level."""
        x: list[list[Tensor]] = [[] for _ in range(level + 1)]
        for diagonal in range(level + 1):
            below = image if diagonal == 0 else down(x[diagonal - 1][0])
            x[diagonal].append(self._node(diagonal, 0)(below))
            for j in range(1, diagonal + 1):
                i = diagonal - j
                x[i].append(self._node(i, j)(*x[i][:j], below=x[i + 1][j - 1]))
        return x[0]

    def _node(self, i: int, j: int) -> nn.Module:
        return self.nodes[i][j]  # type: ignore[index, no-any-return]


class GridNetwork(MapNetwork):
    """A network whose level `l` reads the top row of a grid up to `x_0_l`.

    With deep supervision each level from 1 has a head, and the network can be pruned there; without, only the last.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.grid = Grid(config)
        self.heads = nn.ModuleList(self._head(level) for level in self.levels)

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels with a head, shallowest first."""
        depth = self.config.depth
        return tuple(range(1, depth + 1)) if self.config.deep_supervision else (depth,)

    def pruned(self, level: int) -> Self:
        """A smaller network of its own, with the nodes and heads up to `level` and the same weights.

        Its maps equal `forward(x, level)` where the sides of `x` divide by 2**depth; elsewhere they may differ near the
        padded borders, because it needs less padding.

        Raises:
            ModelError: The network has no output at this level.
        """
        self.check_level(level)
        small = type(self)(dataclasses.replace(self.config, depth=level))
        weights = self.state_dict()
        small.load_state_dict({name: weights[name] for name in small.state_dict()})
        return small.train(self.training)

    def _levels(self, x: Tensor, wanted: list[int]) -> list[Maps]:
        row = self.grid(x, max(wanted))
        return [self.heads[self.levels.index(level)](*self._features(row, level)) for level in wanted]

    def _head(self, level: int) -> Head:
        raise NotImplementedError

    def _features(self, row: list[Tensor], level: int) -> tuple[list[Tensor], list[Tensor]]:
        """What the chromosome and the crossing branch of a level read."""
        raise NotImplementedError


class UNetPlusPlus(GridNetwork):
    """Plain UNet++: both maps from the last node `x_0_l` alone. A baseline for the region-guided one."""

    def _head(self, level: int) -> Head:
        width = level_widths(self.config)[0]
        return Head(width, width, contact=self.config.contact)

    def _features(self, row: list[Tensor], level: int) -> tuple[list[Tensor], list[Tensor]]:
        return row[level : level + 1], row[level : level + 1]
