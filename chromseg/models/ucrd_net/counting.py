"""Counting branch of AS-PANet (Lin et al., 2020): how many chromosomes lie in a box.

What is public of it says that a count is predicted beside class, box and mask; that it is one of each box, and that it
only trains what all heads share, is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.box_head import GRID
from chromseg.models.ucrd_net.sampling import Samples

_MOST = 4  # chromosomes; more count as so many
_INSIDE = 0.5  # of a chromosome's box


class CountingBranch(nn.Module):
    """One, two, three, or four and more."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(config.fpn_width * GRID**2, config.head_width),
            nn.ReLU(),
            nn.Linear(config.head_width, _MOST),
        )

    def loss(self, x: Tensor, samples: Sequence[Samples], boxes: Sequence[Tensor]) -> Tensor:
        """Mean cross entropy over the samples on chromosomes; RoI features (R, C, 7, 7) are of all samples."""
        positive = torch.cat([each.positive for each in samples])
        logits = self.layers(x[positive]).float()
        wanted = torch.cat(
            [count_in(each.boxes[each.positive], true) for each, true in zip(samples, boxes, strict=True)]
        )
        return functional.cross_entropy(logits, wanted, reduction="sum") / max(1, len(wanted))


def count_in(boxes: Tensor, true: Tensor) -> Tensor:
    """How many true boxes (N, 4) lie at least half in each box (R, 4), less one and at most three: int64 (R,)."""
    corner = torch.maximum(boxes[:, None, :2], true[None, :, :2])
    common = (torch.minimum(boxes[:, None, 2:], true[None, :, 2:]) - corner).clamp(min=0).prod(dim=2)
    areas = (true[:, 2:] - true[:, :2]).prod(dim=1)
    return ((common >= _INSIDE * areas).sum(dim=1) - 1).clamp(0, _MOST - 1)
