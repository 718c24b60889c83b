"""The network that names single chromosomes: a small residual network over straightened strips."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from chromseg.arrays import F32, U8
from chromseg.config import KaryotypeConfig

ENDS = 2  # answers a class: the strip is upright, or upside down
_PLANES = 2  # of a strip: absorbance and mask
_FIGURES = 5  # of a chromosome beside its strip
_ROWS, _KEPT = 16, 32  # rows of the last level that stay apart, and channels of each, so that places tell
_HIDDEN = 128
_AT_ONCE = 64  # strips


class KaryotypeNetwork(nn.Module):
    """Three levels of residual blocks; what they find stays in its row, because bands have their places.

    Args:
        config: What to build.
    """

    def __init__(self, config: KaryotypeConfig) -> None:
        super().__init__()
        self.config = config
        first, *others = (config.width * factor for factor in (1, 2, 4))
        self.stem = _Convolution(_PLANES, first, stride=2)
        levels = [_Residual(first, first) for _ in range(config.blocks - 1)]
        for before, width in zip([first, others[0]], others, strict=True):
            levels += [_Residual(before, width, stride=2), *(_Residual(width, width) for _ in range(config.blocks - 1))]
        self.levels = nn.Sequential(*levels)
        self.narrow = _Convolution(others[-1], _KEPT, kernel=1)
        self.rows = nn.AdaptiveAvgPool2d((_ROWS, 1))
        self.head = nn.Sequential(
            nn.Linear(_ROWS * _KEPT + _FIGURES, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(_HIDDEN, config.classes * ENDS),
        )

    def forward(self, strips: Tensor, figures: Tensor) -> Tensor:
        """Logits of classes and ends.

        Args:
            strips: float32 (B, 2, rows, columns) in 0–1, as of `karyogram.cell`.
            figures: float32 (B, 5), as there.

        Returns:
            float32 (B, classes, 2): of each class, that the strip is upright, and that it is upside down.
        """
        found = self.rows(self.narrow(self.levels(self.stem(strips)))).flatten(1)
        logits: Tensor = self.head(torch.cat([found, figures.to(found.dtype)], dim=1))
        return logits.view(len(strips), -1, ENDS)


class _Convolution(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, before: int, after: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__(
            nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """Two convolutions around which the input goes on."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.way = nn.Sequential(
            _Convolution(before, after, stride),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        same = stride == 1 and before == after
        shrunk = nn.Sequential(nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(before, after, 1))
        self.past = nn.Identity() if same else shrunk

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, after, H / stride, W / stride) of (B, before, H, W)."""
        return nn.functional.relu(self.way(x) + self.past(x))


@torch.inference_mode()
def answers(network: KaryotypeNetwork, strips: U8, figures: F32, device: torch.device) -> F32:
    """Probabilities of classes and ends, the mean of four looks: either end up, and mirrored.

    Args:
        network: In evaluation mode, on `device`.
        strips: uint8 (N, 2, rows, columns).
        figures: float32 (N, 5).
        device: Where the network runs.

    Returns:
        float32 (N, classes, 2), each chromosome's sum 1: that the strip is upright, and that it is upside down.
    """
    found = [np.zeros((0, network.config.classes, ENDS), dtype=np.float32)]
    for start in range(0, len(strips), _AT_ONCE):
        x = torch.from_numpy(strips[start : start + _AT_ONCE]).to(device).float() / 255
        own = torch.from_numpy(figures[start : start + _AT_ONCE]).to(device)
        as_is = [_shares(network(look, own)) for look in (x, x.flip(3))]
        turned = [_shares(network(look, own)).flip(2) for look in (x.flip(2), x.flip(2, 3))]
        found.append(torch.stack([*as_is, *turned]).mean(dim=0).cpu().numpy())
    return np.concatenate(found)


def _shares(logits: Tensor) -> Tensor:
    """Probabilities of logits (B, classes, 2)."""
    return logits.flatten(1).softmax(dim=1).view(logits.shape)
