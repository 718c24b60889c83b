"""Networks and losses; `MODELS` lists them."""

from __future__ import annotations

from collections.abc import Callable

from chromseg.config import ModelConfig
from chromseg.errors import ModelError
from chromseg.models.losses import MixedWeightFocalLoss
from chromseg.models.maps import MapNetwork, Maps
from chromseg.models.region_guided import RegionGuidedUNetPlusPlus
from chromseg.models.unet import UNet
from chromseg.models.unetpp import UNetPlusPlus

__all__ = ["MODELS", "MapNetwork", "Maps", "MixedWeightFocalLoss", "build_model"]

MODELS: dict[str, Callable[[ModelConfig], MapNetwork]] = {
    "region-guided-unetpp": RegionGuidedUNetPlusPlus,
    "unetpp": UNetPlusPlus,
    "unet": UNet,
}


def build_model(config: ModelConfig) -> MapNetwork:
    """A freshly initialised network.

    Raises:
        ModelError: The architecture is not in `MODELS`, or its depth or width is below 1.
    """
    if config.architecture not in MODELS:
        raise ModelError(
            f"architecture `{config.architecture}`",
            expected=f"one of {', '.join(MODELS)}",
            remedy="correct `model.architecture`",
        )
    if min(config.depth, config.width, config.max_width, config.chromosome_level) < 1:
        raise ModelError(
            f"depth {config.depth}, width {config.width}, max_width {config.max_width}, "
            f"chromosome_level {config.chromosome_level}",
            expected="all at least 1",
            remedy="correct the block `model`",
        )
    return MODELS[config.architecture](config)
