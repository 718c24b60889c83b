"""What keeps the parts of a region decomposition alive: each must draw the chromosome in its own part of the box."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class PartMasks(nn.Module):
    """A small mask head for all parts.

    Args:
        width: Channels of the features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(width, width, 3, padding=1)
        self.logits = nn.Conv2d(width, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits float32 (P, R, S, S) from features (P, R, C, S, S)."""
        flat = functional.relu(self.hidden(features.flatten(0, 1)))
        logits: Tensor = self.logits(flat)
        return logits.float().view(features.shape[0], features.shape[1], *features.shape[-2:])
