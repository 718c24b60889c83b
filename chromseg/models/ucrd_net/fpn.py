"""Feature pyramid (T.-Y. Lin et al., CVPR 2017) whose outputs are chosen level by level.

torchvision's makes an output convolution for every level of the backbone; here the way down always starts at the
deepest one, so that P2 means the same in every variant, and only the levels somebody reads get an output.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from chromseg.models.ucrd_net.convolution import convolution


class FeaturePyramid(nn.Module):
    """Top-down pathway with lateral connections.

    Args:
        channels: Of the backbone's levels C2, C3, ….
        width: Channels of every output.
        levels: Those to give, ascending, such as (2, 3); 6 is P5 at every second place.
        norm: "none" or "group".
    """

    def __init__(self, channels: Sequence[int], width: int, levels: Sequence[int], norm: str = "none") -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.lateral = nn.ModuleDict(
            {str(level): _layer(size, width, 1, norm) for level, size in enumerate(channels, 2)}
        )
        own = [level for level in self.lateral if int(level) in levels or (level == "5" and 6 in levels)]
        self.output = nn.ModuleDict({level: _layer(width, width, 3, norm) for level in own})

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The wanted levels, each (B, width, h, w) of its own h and w, finest first."""
        above, outputs = None, {}
        for level, feature in reversed(list(zip(self.lateral, features, strict=True))):
            below = self.lateral[level](feature)
            above = below if above is None else below + functional.interpolate(above, size=below.shape[-2:])
            if level in self.output:
                outputs[int(level)] = self.output[level](above)
        if 6 in self.levels:
            outputs[6] = outputs[5][..., ::2, ::2]
        return [outputs[level] for level in self.levels]


def _layer(inputs: int, outputs: int, kernel: int, norm: str) -> nn.Sequential:
    """A convolution with its first weights, drawn at once: how many others follow must not change them."""
    layer = convolution(inputs, outputs, kernel, norm=norm)
    nn.init.kaiming_uniform_(layer.get_parameter("0.weight"), a=1)
    nn.init.zeros_(layer.get_parameter("0.bias"))
    return layer
