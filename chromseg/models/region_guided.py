"""Region-guided UNet++ (ChromSeg §II-B, Fig. 5): one grid, two branches."""

from __future__ import annotations

from torch import Tensor

from chromseg.models.blocks import level_widths
from chromseg.models.maps import Head
from chromseg.models.unetpp import GridNetwork


class RegionGuidedUNetPlusPlus(GridNetwork):
    """UNet++ whose branches read what their task needs.

    "The network utilizes shallow and adjacent spatial features to separate the background from the foreground, and
    aggregates all information from multiple layers to predict the crossing-overlap regions" (§II-B). Read as:

    - chromosome map of level `l`: nodes `x_0_1 … x_0_min(l, chromosome_level)`, which see only the shallow levels
      (`chromosome_level` is 2);
    - crossing map (and contact map, where there is one): all nodes `x_0_1 … x_0_l`.

    The paper's third map, chromosome without crossing, follows from these two and is not an output.
    """

    def _chromosome_level(self, level: int) -> int:
        return min(level, self.config.chromosome_level)

    def _head(self, level: int) -> Head:
        width = level_widths(self.config)[0]
        return Head(width * self._chromosome_level(level), width * level, contact=self.config.contact)

    def _features(self, row: list[Tensor], level: int) -> tuple[list[Tensor], list[Tensor]]:
        return row[1 : self._chromosome_level(level) + 1], row[1 : level + 1]
