"""Backbones: an image's features at strides 4 (C2) to 32 (C5)."""

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

    Attributes:
        channels: Of each level, from C2 on.
    """

    def __init__(self, name: str, norm: str = "batch", deepest: int = 5) -> None:
        super().__init__()
        self.name = name
        levels = range(2, deepest + 1)
        if name in _RESNETS:
            self.body, self.channels = _resnet(name, _norm(norm, 1e-5), deepest)
            self.mean, self.sd = _IMAGENET_GREY
        else:
            self.body = EfficientNetLite0(_norm(norm, 1e-3), deepest)
            self.channels = [efficientnet_lite.CHANNELS[level] for level in levels]
            self.mean, self.sd = _TENSORFLOW

    @classmethod
    def of(cls, config: DetectorConfig) -> Backbone:
        """The backbone that `config` describes, with random weights."""
        return cls(config.backbone, config.norm, config.deepest)

    def forward(self, x: Tensor) -> list[Tensor]:
        """C2, C3, … of float32 (B, 1, H, W) in 0–1 whose sides divide by 32: (B, channels[i], H/4/2**i, W/4/2**i)."""
        return list(self.body((x - self.mean) / self.sd).values())


def _norm(kind: str, eps: float) -> Norm:
    return partial(FrozenBatchNorm2d if kind == "frozen" else nn.BatchNorm2d, eps=eps)


def _resnet(name: str, norm: Norm, deepest: int) -> tuple[nn.Module, list[int]]:
    resnet = _RESNETS[name](weights=None, norm_layer=norm)
    width = resnet.conv1.out_channels
    resnet.conv1 = nn.Conv2d(1, width, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(resnet.conv1.weight, mode="fan_out", nonlinearity="relu")
    widest = resnet.fc.in_features
    channels = [widest // 2 ** (5 - level) for level in range(2, deepest + 1)]
    return IntermediateLayerGetter(
        resnet, {f"layer{level - 1}": str(level) for level in range(2, deepest + 1)}
    ), channels
