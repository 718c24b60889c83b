"""U-Net (Ronneberger et al., 2015), the baseline of ChromSeg's Table II."""

from __future__ import annotations

from torch import Tensor, nn

from chromseg.config import ModelConfig
from chromseg.models.blocks import Node, down, level_widths
from chromseg.models.maps import Head, MapNetwork, Maps


class UNet(MapNetwork):
    """Encoder and decoder with one skip a level; both maps from the last node.

    `encoder[i]` and `decoder[i]` work at resolution 1/2**i; there is no deep supervision, so one level only.

    Args:
        config: Depth and widths; `deep_supervision` has no effect.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        width = level_widths(config)
        levels = range(config.depth)
        self.encoder = nn.ModuleList(
            Node(below, above) for below, above in zip([config.fine**2, *width], width, strict=False)
        )
        self.decoder = nn.ModuleList(Node(width[i] + width[i + 1], width[i], squeeze=config.squeeze) for i in levels)
        self.head = Head(width[0], width[0], contact=config.contact)

    def _levels(self, x: Tensor, wanted: list[int]) -> list[Maps]:
        skips = [self.encoder[0](x)]
        for node in self.encoder[1:]:
            skips.append(node(down(skips[-1])))
        x = skips.pop()
        for node in reversed(self.decoder):
            x = node(skips.pop(), below=x)
        return [self.head([x], [x])]
