"""Region decomposition whose parts lie where they were read (review R-RD i), the control of eq. 12."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from chromseg.models.ucrd_net.region import RegionDecomposition, RegionMaps
from chromseg.models.ucrd_net.region_parts import PartMasks


class AlignedDecomposition(RegionDecomposition):
    """Eq. 12 with every part put back to its place in the box; outside itself a part has no weight.

    Args:
        width: Channels of the features.
        scale: s.
    """

    def __init__(self, width: int, scale: float) -> None:
        super().__init__(width, scale)
        self.part_masks = PartMasks(width)

    def fuse(self, read: Tensor, whole: Tensor, parts: Tensor) -> RegionMaps:
        """Eq. 12 of what lies on one another in the image."""
        places = part_places(self.get_buffer("parts"), whole.shape[-1])
        regions = torch.stack([*(put_back(*each) for each in zip(read, places, strict=True)), whole])
        inside = (places.abs() <= 1).all(dim=-1)
        fused = self._weighed(regions, parts, torch.cat([inside, torch.ones_like(inside[:1])]))
        return fused._replace(logits=self.part_masks(read))


def part_places(parts: Tensor, size: int) -> Tensor:
    """Where the whole box's cells lie in each part (P, 4): x and y, -1 to 1 inside it, float (P, size, size, 2)."""
    cells = (torch.arange(size, device=parts.device) + 0.5) / size
    x, y = (2 * (cells - parts[:, axis, None]) / (parts[:, axis + 2] - parts[:, axis])[:, None] - 1 for axis in (0, 1))
    return torch.stack([x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=-1)


def put_back(part: Tensor, places: Tensor) -> Tensor:
    """A part's features (R, C, S, S) at the `places` (S, S, 2) of the whole box's cells; its edge goes on outside."""
    grid = places.to(part.dtype).expand(len(part), -1, -1, -1)
    return functional.grid_sample(part, grid, padding_mode="border", align_corners=False)
