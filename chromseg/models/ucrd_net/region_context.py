"""Region decomposition as context (review R-RD ii): every cell asks the five regions for what it cannot see itself.

Chromosome boxes are read from P2, so a part holds no finer features than the whole. What parts can add is reach: what
lies in the left of the box, told to a cell in its right.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from chromseg.models.ucrd_net.mask_place import with_coordinates
from chromseg.models.ucrd_net.region import REGIONS, RegionMaps, RegionReader
from chromseg.models.ucrd_net.region_parts import PartMasks


class ContextDecomposition(RegionReader):
    """y(p) = x(p) + Σ α_r(p) V t_r, where t_r sums region r up and α is the softmax over r of ⟨Q[x(p); u; v], K t_r⟩.

    A part's own mask is drawn from its features and V t_r, so that none can be switched off unnoticed.

    Args:
        width: Channels of the features.
        scale: s.
    """

    def __init__(self, width: int, scale: float) -> None:
        super().__init__(scale)
        self.codes = nn.Parameter(0.1 * torch.randn(len(REGIONS), width))
        self.sums = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))
        self.queries = nn.Conv2d(width + 2, width, 1)
        self.keys, self.values = nn.Linear(width, width), nn.Linear(width, width)
        self.part_masks = PartMasks(width)

    def fuse(self, read: Tensor, whole: Tensor, parts: Tensor) -> RegionMaps:
        """The whole, and what each of its cells is told."""
        regions = torch.cat([read, whole[None]])
        codes = self.codes[:, None].expand(-1, len(whole), -1).to(regions.dtype)
        sums = self.sums(torch.cat([regions.mean(dim=(3, 4)), codes], dim=2))  # 5, R, C
        asked = self.queries(with_coordinates(whole))
        match = torch.einsum("rchw,prc->prhw", asked, self.keys(sums)) / whole.shape[1] ** 0.5
        weights, values = match.float().softmax(dim=0), self.values(sums)
        told = torch.einsum("prhw,prc->rchw", weights.to(values.dtype), values)
        drawn = self.part_masks(read + values[:-1, :, :, None, None])
        return RegionMaps(regions, weights, whole + told, parts, drawn)
