"""What the heads of a detector read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from torchvision.ops import roi_align

from chromseg.models.ucrd_net.rois import with_images

_STRIDE = 2  # of `detail`, pixels
_SAMPLES = 2  # per cell and direction


class Features(NamedTuple):
    """Features of a batch.

    Attributes:
        levels: float32 (B, C, h, w) of each FPN level, finest first.
        detail: float32 (B, D, H/2, W/2), a chromosome's edge before the backbone made it coarse; None without.
        semantic: float32 (B, C, h, w) like the finest level, what the semantic branch makes of it; None without.
    """

    levels: list[Tensor]
    detail: Tensor | None = None
    semantic: Tensor | None = None

    def detail_of(self, boxes: Sequence[Tensor], size: int) -> Tensor | None:
        """`detail` of the boxes float (R_b, 4) of each image on a grid: (R, D, size, size)."""
        if self.detail is None:
            return None
        crops: Tensor = roi_align(self.detail, with_images(boxes), size, 1 / _STRIDE, _SAMPLES, aligned=True)
        return crops
