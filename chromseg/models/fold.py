"""Batch norms folded into the convolutions before them: the same maps, up to rounding, in less time."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from chromseg.models.maps import MapNetwork


def folded(network: MapNetwork) -> MapNetwork:
    """A copy for inference, in evaluation mode, without batch norms.

    Its parameters have other names and values, so it can neither be trained on nor saved as a model.

    Args:
        network: Any network of `MODELS`; left as it is.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) == 3:
            convolution, norm, _ = module
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[0], module[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    return network.requires_grad_(False)
