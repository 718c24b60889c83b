"""From the features of a box to one plane of logits; what a mask head is made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.convolution import convolution
from chromseg.models.ucrd_net.mask_conditional import ConditionalReadout
from chromseg.models.ucrd_net.mask_place import DILATIONS, WholeBox, with_coordinates
from chromseg.models.ucrd_net.seeding import seeded

GRID = 14  # side of the RoI features that are read
SIDE = 2 * GRID  # side of the mask that is predicted


class MaskLayer(nn.Module):
    """Convolutions, one doubling of the resolution, one plane whatever the class.

    `plain` is Mask R-CNN's head; `fused` adds a view of the whole box (PANet); `box-aware` also knows where in the box
    each cell lies; `conditional` draws with filters that the box chooses. With `mask_detail`, finer features join after
    the doubling.

    Args:
        config: Of the network.
        inputs: Channels of the RoI features.
    """

    def __init__(self, config: DetectorConfig, inputs: int) -> None:
        super().__init__()
        width, norm = config.mask_width, config.head_norm
        self.placed = config.mask_head == "box-aware"
        read = inputs + (2 if self.placed else 0)
        layers: list[nn.Module] = []
        last = read
        for number in range(config.mask_convolutions):
            dilation = DILATIONS[number % len(DILATIONS)] if self.placed else 1
            layers += [
                _layer(f"convolution {number}", convolution(last, width, 3, norm=norm, dilation=dilation)),
                nn.ReLU(),
            ]
            last = width
        self.convolutions = nn.Sequential(*layers)
        self.upsample = _layer("upsample", nn.ConvTranspose2d(last, width, 2, stride=2))
        detail = config.mask_detail
        self.finer = _layer("finer", convolution(width + detail, width, 3, norm=norm)) if detail else None
        conditional = config.mask_head == "conditional"
        self.logits = None if conditional else _layer("logits", nn.Conv2d(width, 1, 1), sd=0.01)
        self.conditional = (
            seeded("conditional", lambda: ConditionalReadout(inputs, GRID, width, config.head_width))
            if conditional
            else None
        )
        self.whole = (
            seeded("whole", lambda: WholeBox(read, GRID, SIDE)) if config.mask_head in ("box-aware", "fused") else None
        )

    def forward(self, x: Tensor, detail: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits, and what they are made from.

        Args:
            x: RoI features (R, C, 14, 14).
            detail: Finer features (R, mask_detail, 28, 28), where the network has any.

        Returns:
            Logits float32 (R, 28, 28), and the last convolution's features (R, mask_width, 14, 14).
        """
        x = with_coordinates(x) if self.placed else x
        hidden = self.convolutions(x)
        fine = functional.relu(self.upsample(hidden))
        if self.finer is not None and detail is not None:
            fine = functional.relu(self.finer(torch.cat([fine, detail.to(fine.dtype)], dim=1)))
        logits = self.conditional(x, fine) if self.conditional is not None else self.logits(fine)  # type: ignore[misc]
        if self.whole is not None:
            logits = logits + self.whole(x)
        return logits[:, 0].float(), hidden


def _layer(name: str, layer: nn.Module, sd: float = 0.0) -> nn.Module:
    """A convolution with its first weights, of deviation `sd` or as wide as its outputs ask for."""

    def draw() -> nn.Module:
        for part in layer.modules():
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
                if sd:
                    nn.init.normal_(part.weight, std=sd)
                else:
                    nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(part.bias)  # type: ignore[arg-type]
        return layer

    return seeded(name, draw)
