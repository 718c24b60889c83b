"""What every stage-1 network returns, and what all of them share: any image size, named levels, logits."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import ModelConfig
from chromseg.errors import ModelError
from chromseg.models.blocks import convolved


class Maps(NamedTuple):
    """Logits of one image batch; a sigmoid turns them into probabilities.

    Attributes:
        chromosome: float (B, 1, H, W), on any chromosome, crossings included.
        crossing: float (B, 1, H, W), where two chromosomes lie over one another.
        contact: float (B, 1, H, W), seams between chromosomes that touch; None if the network has no such branch.
    """

    chromosome: Tensor
    crossing: Tensor
    contact: Tensor | None


class MapNetwork(nn.Module, ABC):
    """A network from an absorbance image to `Maps`.

    A subclass gives `_levels`; padding to what its poolings need, and cropping back, happen here. The padding repeats
    the border pixels (unlike a reflection that works for every size, 1×1 included).

    Args:
        config: The architecture's parameters; kept as `.config`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels with an output of their own, shallowest first; the last is the full network."""
        return (self.config.depth,)

    def forward(self, x: Tensor, level: int | None = None) -> Maps:
        """Predict the maps.

        Args:
            x: float32 (B, 1, H, W) absorbance, any H and W ≥ 1.
            level: Stop at this level of the network, which is faster; default is the full network.

        Returns:
            Logits (B, 1, ⌈H / fine⌉, ⌈W / fine⌉) each.

        Raises:
            ModelError: The network has no output at this level, or `x` is not (B, 1, H, W).
        """
        level = self.config.depth if level is None else level
        self.check_level(level)
        return self._padded(x, [level])[0]

    def check_level(self, level: int) -> None:
        """Refuse a level without an output of its own.

        Raises:
            ModelError: Naming the levels there are.
        """
        if level not in self.levels:
            raise ModelError(
                f"level {level}",
                expected=f"one of {', '.join(map(str, self.levels))}",
                remedy="choose another level, or train with deep supervision",
            )

    def forward_all(self, x: Tensor) -> list[Maps]:
        """The maps of every level, shallowest first; the last equals `forward(x)`. Deep supervision trains on them."""
        return self._padded(x, list(self.levels))

    def _padded(self, x: Tensor, wanted: list[int]) -> list[Maps]:
        fine = self.config.fine
        if x.ndim != 4 or x.shape[1] != 1:
            raise ModelError(
                f"an input of shape {tuple(x.shape)}", expected="(B, 1, H, W)", remedy="give grey images in batches"
            )
        x = functional.pad(x, (0, -x.shape[-1] % fine, 0, -x.shape[-2] % fine), mode="replicate")
        x = functional.pixel_unshuffle(x, fine)
        height, width = x.shape[-2:]
        step = 2**self.config.depth  # at every level, so that a level's maps do not depend on who asks
        x = functional.pad(x, (0, -width % step, 0, -height % step), mode="replicate")
        return [_crop(maps, height, width) for maps in self._levels(x, wanted)]

    @abstractmethod
    def _levels(self, x: Tensor, wanted: list[int]) -> list[Maps]:
        """Maps at the `wanted` levels of an image whose sides divide by 2**depth."""


def _crop(maps: Maps, height: int, width: int) -> Maps:
    chromosome, crossing, contact = (None if one is None else one[..., :height, :width] for one in maps)
    assert chromosome is not None and crossing is not None
    return Maps(chromosome, crossing, contact)


class Head(nn.Module):
    """1×1 convolutions from features to map logits (§II-C), one a branch.

    Args:
        chromosome: Channels that the chromosome branch reads.
        crossing: Channels that the crossing branch (and the contact branch) reads.
        contact: Whether there is a contact branch.
    """

    def __init__(self, chromosome: int, crossing: int, *, contact: bool) -> None:
        super().__init__()
        self.chromosome = _logit_layer(chromosome)
        self.crossing = _logit_layer(crossing)
        self.contact = _logit_layer(crossing) if contact else None

    def forward(self, chromosome: Sequence[Tensor], crossing: Sequence[Tensor]) -> Maps:
        """Maps (B, 1, H, W) from the features of either branch, each some (B, C, H, W) of all its channels together."""
        contact = None if self.contact is None else convolved(self.contact, crossing)
        return Maps(convolved(self.chromosome, chromosome), convolved(self.crossing, crossing), contact)


PRIOR = 0.05  # share of positive pixels that a fresh network predicts, so that rare crossings do not start with a shock


def _logit_layer(channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, 1, kernel_size=1)
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    nn.init.constant_(layer.bias, math.log(PRIOR / (1 - PRIOR)))
    return layer
