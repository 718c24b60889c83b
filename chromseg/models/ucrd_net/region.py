"""Region decomposition (UCRD-Net §2.3): what a mask is made from is read four more times, from parts of the box.

Eq. 12 adds the five grids cell by cell although a cell (i, j) of the left part shows another place than (i, j) of the
whole; that is the paper's design and is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.models.ucrd_net.rois import pool_rois, roi_levels

REGIONS = ("left", "right", "upper", "bottom", "whole")
_REACH = 0.25  # how far a learned part's edge may move, as a share of the box


class RegionMaps(NamedTuple):
    """What the module makes of R boxes; Fig. 7 draws it.

    Attributes:
        features: float32 (5, R, C, S, S), in the order of `REGIONS`.
        weights: float32 (5, R, S, S), α of eq. 13; they sum to 1 over the regions.
        fused: float32 (R, C, S, S), y of eq. 12.
        parts: float32 (4, R, 4), the sub-regions as xyxy shares of the box.
        logits: float32 (4, R, S, S), the chromosome in each sub-region; None where no loss asks for it.
    """

    features: Tensor
    weights: Tensor
    fused: Tensor
    parts: Tensor
    logits: Tensor | None = None


def sub_regions(scale: float) -> Tensor:
    """Left, right, upper and bottom part as xyxy shares of the box: float32 (4, 4).

    Args:
        scale: s, each part's width or height as a share of the box's; 1 makes every part the whole.
    """
    low, high = 1 - scale, scale
    return torch.tensor(
        [[0.0, 0.0, high, 1.0], [low, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, high], [0.0, low, 1.0, 1.0]], dtype=torch.float32
    )


def place_parts(parts: Tensor, boxes: Tensor) -> Tensor:
    """Parts float (P, 4) or (P, R, 4) as shares of boxes (R, 4), in the boxes' own coordinates: (P, R, 4)."""
    corner, sides = boxes[:, :2].repeat(1, 2), (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    shares = parts if parts.ndim == 3 else parts[:, None]
    return corner + shares * sides


class RegionReader(nn.Module):
    """Reads the four parts of each box and the whole, for a subclass to `fuse`.

    Args:
        scale: s.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.register_buffer("parts", sub_regions(scale), persistent=False)

    def forward(
        self, features: Sequence[Tensor], boxes: Sequence[Tensor], levels: Sequence[int], size: int
    ) -> RegionMaps:
        """Read and fuse the regions of each box; arguments as `pool_rois`."""
        whole = pool_rois(features, boxes, levels, size)
        parts = self._parts(whole)
        return self.fuse(torch.stack(self._read(parts, features, boxes, levels, size)), whole, parts)

    def fuse(self, read: Tensor, whole: Tensor, parts: Tensor) -> RegionMaps:
        """Make one grid of five.

        Args:
            read: float32 (4, R, C, S, S), the parts.
            whole: float32 (R, C, S, S).
            parts: float32 (4, R, 4), where the parts lie, as xyxy shares of the box.
        """
        raise NotImplementedError

    def _parts(self, whole: Tensor) -> Tensor:
        parts: Tensor = self.get_buffer("parts")
        return parts[:, None].expand(-1, len(whole), -1)

    def _read(
        self, parts: Tensor, features: Sequence[Tensor], boxes: Sequence[Tensor], levels: Sequence[int], size: int
    ) -> list[Tensor]:
        joined, counts = torch.cat(list(boxes)), [len(each) for each in boxes]
        placed = place_parts(parts, joined)
        return [pool_rois(features, list(part.split(counts)), levels, size, like=joined) for part in placed]


class RegionDecomposition(RegionReader):
    """Five grids, fused cell by cell with weights that a 1×1 convolution finds in each (eq. 12–13), as printed.

    Args:
        width: Channels of the features.
        scale: s.
    """

    def __init__(self, width: int, scale: float) -> None:
        super().__init__(scale)
        self.weigh = nn.ModuleDict({name: nn.Conv2d(width, 1, 1) for name in REGIONS})

    def fuse(self, read: Tensor, whole: Tensor, parts: Tensor) -> RegionMaps:
        """Eq. 12."""
        return self._weighed(torch.cat([read, whole[None]]), parts)

    def _weighed(self, regions: Tensor, parts: Tensor, inside: Tensor | None = None) -> RegionMaps:
        """Regions (5, R, C, S, S), each cell weighed only where it is `inside` bool (5, S, S), if given."""
        logits = torch.stack([self.weigh[name](each)[:, 0] for name, each in zip(REGIONS, regions, strict=True)])
        if inside is not None:
            logits = logits.masked_fill(~inside[:, None], -torch.inf)
        weights = logits.float().softmax(dim=0)
        return RegionMaps(regions, weights, (weights[:, :, None] * regions).sum(dim=0), parts)


class LearnedDecomposition(RegionDecomposition):
    """The paper's outlook: each RoI moves the edges of its parts, by up to a quarter of its box.

    The moves come from the whole's mean feature and start at zero, that is, at the fixed decomposition. RoIAlign has no
    gradient with respect to boxes, so the parts are read by bilinear sampling at the same points.
    """

    def __init__(self, width: int, scale: float) -> None:
        super().__init__(width, scale)
        self.move = nn.Linear(width, 4 * 4)
        nn.init.zeros_(self.move.weight)
        nn.init.zeros_(self.move.bias)

    def _parts(self, whole: Tensor) -> Tensor:
        moves: Tensor = _REACH * self.move(whole.mean(dim=(2, 3))).float().tanh()
        return super()._parts(whole) + moves.view(-1, 4, 4).transpose(0, 1)

    def _read(
        self, parts: Tensor, features: Sequence[Tensor], boxes: Sequence[Tensor], levels: Sequence[int], size: int
    ) -> list[Tensor]:
        return [sample_parts(features, boxes, part, levels, size) for part in parts]


def sample_parts(
    features: Sequence[Tensor], boxes: Sequence[Tensor], part: Tensor, levels: Sequence[int], size: int
) -> Tensor:
    """RoIAlign of one part of each box, with a gradient for `part` float (R, 4): float32 (R, C, size, size)."""
    joined = torch.cat(list(boxes))
    image = torch.cat([torch.full((len(each),), index) for index, each in enumerate(boxes)]).to(joined.device)
    level, points = roi_levels(joined, levels), _sample_points(place_parts(part[None], joined)[0], 2 * size)
    sampled = features[0].new_zeros(len(joined), features[0].shape[1], 2 * size, 2 * size)
    for index, (feature, number) in enumerate(zip(features, levels, strict=True)):
        extent = torch.tensor(feature.shape[:1:-1], device=joined.device) * 2.0**number  # width, height in pixels
        for picture in range(len(boxes)):
            here = torch.where((level == index) & (image == picture))[0]
            if len(here):
                grid = (2 * points[here] / extent - 1).flatten(0, 1)[None]
                read = functional.grid_sample(feature[picture][None], grid, padding_mode="border", align_corners=False)
                crops = read[0].view(-1, len(here), 2 * size, 2 * size).transpose(0, 1)
                sampled = sampled.index_put((here,), crops.to(sampled.dtype))
    return functional.avg_pool2d(sampled, 2) + 0 * part.sum()  # without any box, a gradient of 0 and not none


def _sample_points(boxes: Tensor, count: int) -> Tensor:
    """`count` × `count` points at the cell centres of each box (R, 4), as x, y: (R, count, count, 2)."""
    share = (torch.arange(count, device=boxes.device) + 0.5) / count
    x, y = (boxes[:, axis, None] + share * (boxes[:, axis + 2] - boxes[:, axis])[:, None] for axis in (0, 1))
    return torch.stack([x[:, None, :].expand(-1, count, -1), y[:, :, None].expand(-1, -1, count)], dim=-1)
