"""The convolutions that pyramid and heads are made of."""

from __future__ import annotations

from torch import nn

_GROUP = 8  # channels


def convolution(
    inputs: int, outputs: int, kernel: int, *, norm: str, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """A convolution that keeps the size (at stride 1), with a group norm after it if `norm` is "group".

    A group norm counts in one image only, so it suits few crops a batch and few boxes a crop.
    """
    layer = nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation)
    if norm == "none":
        return nn.Sequential(layer)
    groups = outputs // _GROUP if outputs % _GROUP == 0 else 1
    return nn.Sequential(layer, nn.GroupNorm(groups, outputs))
