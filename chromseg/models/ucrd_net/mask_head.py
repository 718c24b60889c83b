"""Mask head: from RoI features to the outline inside each box, and its loss (eq. 14)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import roi_align

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.features import Features
from chromseg.models.ucrd_net.mask_flow import MaskFlow
from chromseg.models.ucrd_net.mask_layer import GRID, SIDE, MaskLayer
from chromseg.models.ucrd_net.region import LearnedDecomposition, RegionDecomposition, RegionMaps, RegionReader
from chromseg.models.ucrd_net.region_aligned import AlignedDecomposition
from chromseg.models.ucrd_net.region_context import ContextDecomposition
from chromseg.models.ucrd_net.roi_reader import RoiReader
from chromseg.models.ucrd_net.seeding import seeded


class MaskRois(NamedTuple):
    """What a mask head reads of R boxes.

    Attributes:
        x: float32 (R, C, 14, 14).
        detail: float32 (R, mask_detail, 28, 28); None without finer features.
        regions: What RD made of the boxes; None without.
    """

    x: Tensor
    detail: Tensor | None
    regions: RegionMaps | None = None


class MaskPrediction(NamedTuple):
    """What a mask head says of R boxes.

    Attributes:
        own: float32 (R, 28, 28), logits of the chromosome that the box is of.
        others: float32 (R, 28, 28), logits of all other chromosomes in the box together; None without that layer.
    """

    own: Tensor
    others: Tensor | None


class MaskHead(MaskLayer):
    """The layer that draws each box's chromosome.

    With `mask_others` a second one draws whatever else lies in the box, and the first reads what it found: a pixel may
    be of both (after BCNet, Ke et al., CVPR 2021, but neither layer is on top, because chromosomes are transparent).
    """

    def __init__(self, config: DetectorConfig) -> None:
        width = config.fpn_width
        super().__init__(config, width + (config.mask_width if config.mask_others else 0))
        self.levels, self.edges = config.levels, config.mask_edges
        self.others = seeded("others", lambda: MaskLayer(config, width)) if config.mask_others else None
        self.reader = seeded("reader", lambda: RoiReader(config, GRID))
        inputs = width + (config.mask_width if config.mask_others else 0)
        self.flow = seeded("flow", lambda: MaskFlow(config, inputs)) if config.mask_stages > 1 else None
        kind = _REGIONS.get(config.region)
        self.region = None if kind is None else kind(config.fpn_width, config.region_scale)

    def read(self, features: Features, boxes: Sequence[Tensor]) -> MaskRois:
        """Features of the boxes of each image, with RD fused from five regions."""
        detail = features.detail_of(boxes, SIDE)
        if self.region is None:
            return MaskRois(self.reader(features, boxes), detail)
        regions: RegionMaps = self.region(features.levels, boxes, self.levels, GRID)
        return MaskRois(regions.fused, detail, regions)

    def predict(self, rois: MaskRois, stage: int | None = None) -> MaskPrediction:
        """Logits from what `read` gives: of one stage, counted from 0, or the mean of all stages."""
        x, others = rois.x, None
        if self.others is not None:
            others, beside = self.others(rois.x, rois.detail)
            x = torch.cat([x, beside.to(x.dtype)], dim=1)
        own, hidden = self(x, rois.detail)
        if self.flow is not None:
            stages = [own, *self.flow(x, rois.detail, hidden)]
            own = torch.stack(stages).mean(dim=0) if stage is None else stages[stage]
        return MaskPrediction(own, others)


def mask_targets(masks: Tensor, boxes: Tensor, matched: Tensor) -> Tensor:
    """The true masks seen through boxes: float32 (R, 28, 28), the share of each cell that is chromosome.

    Args:
        masks: uint8 or bool (N, H, W).
        boxes: float32 (R, 4), in the masks' pixels.
        matched: int64 (R,), which mask each box is on.
    """
    used, index = torch.unique(matched, return_inverse=True)  # most masks of a large picture are not needed as floats
    rois = torch.cat([index[:, None].to(boxes), boxes], dim=1)
    grids: Tensor = roi_align(masks[used, None].to(boxes), rois, SIDE, 1.0, -1, aligned=True)
    return grids[:, 0]


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross entropy over cells (eq. 14); 0, with a gradient of 0, without any box."""
    total = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return total / max(1, targets.numel())


_REGIONS: dict[str, Callable[[int, float], RegionReader]] = {
    "decomposed": RegionDecomposition,
    "learned": LearnedDecomposition,
    "aligned": AlignedDecomposition,
    "context": ContextDecomposition,
}
