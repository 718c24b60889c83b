"""A classifier of single chromosomes on a detector's backbone; only the backbone outlives pre-training."""

from __future__ import annotations

from torch import Tensor, nn

from chromseg.config import ClassifierConfig
from chromseg.models.ucrd_net.backbone import Backbone

_STRIDE = 32  # of C5: sides must divide by it


class Classifier(nn.Module):
    """Backbone, mean over the image, one linear layer.

    Args:
        config: What to build.
    """

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config.backbone, deepest=config.deepest)
        self.head = nn.Linear(self.backbone.channels[-1], config.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of absorbance float32 (B, 1, H, W)."""
        height, width = (-side % _STRIDE for side in x.shape[-2:])
        padded = nn.functional.pad(x, (0, width, 0, height))
        logits: Tensor = self.head(self.backbone(padded)[-1].mean(dim=(2, 3)))
        return logits
