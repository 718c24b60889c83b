"""Backbones: an image's features at strides 2 (C1) or 4 (C2) to 32 (C5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn
from torchvision import models
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FrozenBatchNorm2d

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net import efficientnet_lite
from chromseg.models.ucrd_net.efficientnet_lite import EfficientNetLite0, Norm

_RESNETS: dict[str, Callable[..., Any]] = {
    "resnet18": models.resnet18,
    "resnet50": models.resnet50,
    "resnet101": models.resnet101,
}
_IMAGENET_GREY = (0.449, 0.226)  # mean and sd of a grey ImageNet picture in 0–1, which the ResNets were trained on
_TENSORFLOW = (127 / 255, 128 / 255)


class Backbone(nn.Module):
    """Features of absorbance images.

    Args:
        name: resnet101, resnet50, resnet18 or efficientnet-lite0.
        norm: "batch" trains batch norms, "frozen" keeps their statistics and weights.
        deepest: The last level, 2 to 5.
        finest: The first one, 1 or 2.

    Attributes:
        channels: Of each level, from the finest on.
    """

    def __init__(self, name: str, norm: str = "batch", deepest: int = 5, finest: int = 2) -> None:
        super().__init__()
        self.name = name
        self.levels = [str(level) for level in range(finest, deepest + 1)]
        if name in _RESNETS:
            self.body, channels = _resnet(name, _norm(norm, 1e-5), deepest)
            self.mean, self.sd = _IMAGENET_GREY
        else:
            self.body, channels = EfficientNetLite0(_norm(norm, 1e-3), deepest), efficientnet_lite.CHANNELS
            self.mean, self.sd = _TENSORFLOW
        self.channels = [channels[int(level)] for level in self.levels]

    @classmethod
    def of(cls, config: DetectorConfig) -> Backbone:
        """The backbone that `config` describes, with random weights."""
        return cls(config.backbone, config.norm, config.deepest, 1 if config.mask_detail else 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """C2, C3, … of float32 (B, 1, H, W) in 0–1 whose sides divide by 32: (B, channels[i], H/4/2**i, W/4/2**i).

        With `finest` 1, C1 at half the size of the picture goes before.
        """
        found = self.body((x - self.mean) / self.sd)
        return [found[level] for level in self.levels]


def _norm(kind: str, eps: float) -> Norm:
    return partial(FrozenBatchNorm2d if kind == "frozen" else nn.BatchNorm2d, eps=eps)


def _resnet(name: str, norm: Norm, deepest: int) -> tuple[nn.Module, dict[int, int]]:
    resnet = _RESNETS[name](weights=None, norm_layer=norm)
    width = resnet.conv1.out_channels
    resnet.conv1 = nn.Conv2d(1, width, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(resnet.conv1.weight, mode="fan_out", nonlinearity="relu")
    channels = {1: width} | {level: resnet.fc.in_features // 2 ** (5 - level) for level in range(2, 6)}
    names = {"relu": "1"} | {f"layer{level - 1}": str(level) for level in range(2, deepest + 1)}
    return IntermediateLayerGetter(resnet, names), channels
