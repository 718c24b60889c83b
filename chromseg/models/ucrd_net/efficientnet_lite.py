"""EfficientNet-Lite0 without its classifier: the compact backbone (M. Tan and Q. Le, 2019; the Lite variant of 2020).

Inverted bottlenecks with ReLU6 and without squeeze-and-excitation. Strided convolutions are padded on the right and
below as in TensorFlow, because the ImageNet weights were trained so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

Norm = Callable[[int], nn.Module]


class _Stage(NamedTuple):
    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


_STEM = 32
_STAGES = (
    _Stage(3, 1, 1, 16, 1),  # C1
    _Stage(3, 2, 6, 24, 2),  # C2
    _Stage(5, 2, 6, 40, 2),  # C3
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),  # C4
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),  # C5
)
_LAST_STAGE = {1: 1, 2: 2, 3: 3, 4: 5, 5: 7}  # C level → stages up to and with it
CHANNELS = {level: _STAGES[stages - 1].channels for level, stages in _LAST_STAGE.items()}


class EfficientNetLite0(nn.Module):
    """The network up to level `deepest`.

    Args:
        norm: Makes a batch norm of so many channels.
        deepest: Last level wanted, 2 to 5.
    """

    def __init__(self, norm: Norm, deepest: int = 5) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, _STEM, 3, stride=2, bias=False), norm(_STEM), nn.ReLU6())
        self.blocks = nn.ModuleList()
        self.levels: dict[int, int] = {}  # index of the block → the level it ends
        width = _STEM
        for number, stage in enumerate(_STAGES[: _LAST_STAGE[deepest]], 1):
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                self.blocks.append(_Block(width, stage, stride, norm))
                width = stage.channels
            self.levels |= {len(self.blocks) - 1: level for level, last in _LAST_STAGE.items() if last == number}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Features "1" (stride 2) to "5" (stride 32) of float32 (B, 1, H, W)."""
        x = self.stem(_pad(x, 3))
        features = {}
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.levels:
                features[str(self.levels[index])] = x
        return features


class _Block(nn.Module):
    """Expand, convolve each channel, project; added to the input where the shape allows."""

    def __init__(self, width: int, stage: _Stage, stride: int, norm: Norm) -> None:
        super().__init__()
        inner, kernel = width * stage.expansion, stage.kernel
        self.residual, self.stride, self.kernel = stride == 1 and width == stage.channels, stride, kernel
        self.expand = (
            nn.Identity()
            if stage.expansion == 1
            else nn.Sequential(nn.Conv2d(width, inner, 1, bias=False), norm(inner), nn.ReLU6())
        )
        padding = kernel // 2 if stride == 1 else 0
        depthwise = nn.Conv2d(inner, inner, kernel, stride, padding, groups=inner, bias=False)
        self.depthwise = nn.Sequential(depthwise, norm(inner), nn.ReLU6())
        self.project = nn.Sequential(
            nn.Conv2d(inner, stage.channels, 1, bias=False), norm(stage.channels), nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.expand(x)
        y: Tensor = self.project(self.depthwise(_pad(inner, self.kernel) if self.stride == 2 else inner))
        return x + y if self.residual else y


def _pad(x: Tensor, kernel: int) -> Tensor:
    """Padding of a convolution of stride 2 on even sides, the larger half right and below."""
    before, after = (kernel - 2) // 2, (kernel - 1) // 2
    return functional.pad(x, (before, after, before, after))


_PARTS = {
    "expand_conv": "expand.0",
    "bn0": "expand.1",
    "depthwise_conv": "depthwise.0",
    "bn1": "depthwise.1",
    "project_conv": "project.0",
    "bn2": "project.1",
}


def our_name(name: str) -> str | None:
    """What a weight of the published file is called here; None for those of the classifier, which are left out."""
    if match := re.fullmatch(r"_blocks\.(\d+)\._(\w+)\.(\w+)", name):
        return f"blocks.{match[1]}.{_PARTS[match[2]]}.{match[3]}"
    if match := re.fullmatch(r"_(conv_stem|bn0)\.(\w+)", name):
        return f"stem.{0 if match[1] == 'conv_stem' else 1}.{match[2]}"
    return None
