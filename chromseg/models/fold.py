"""Batch norms folded into the convolutions before them: the same answers, up to rounding, in less time."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """A copy for inference, in evaluation mode, without batch norms, frozen ones included.

    Its parameters have other names and values, so it can neither be trained on nor saved as a model.

    Args:
        network: Left as it is. What is folded is each convolution, norm and activation that make a sequence.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) == 3:
            convolution, norm, _ = module
            if isinstance(convolution, nn.Conv2d) and getattr(norm, "running_mean", None) is not None:
                module[0] = fuse_conv_bn_eval(convolution, cast(nn.BatchNorm2d, norm))  # a frozen one has all of it too
                module[1] = nn.Identity()
    return network.requires_grad_(False)
