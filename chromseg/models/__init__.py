"""Networks and losses; `MODELS` lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, overload

from chromseg.config import AnyModelConfig, ClassifierConfig, DetectorConfig, KaryotypeConfig, ModelConfig
from chromseg.errors import ModelError
from chromseg.models.karyotype import KaryotypeNetwork
from chromseg.models.losses import MixedWeightFocalLoss
from chromseg.models.maps import MapNetwork, Maps
from chromseg.models.region_guided import RegionGuidedUNetPlusPlus
from chromseg.models.unet import UNet
from chromseg.models.unetpp import UNetPlusPlus

if TYPE_CHECKING:
    from chromseg.models.classifier import Classifier
    from chromseg.models.ucrd_net import UCRDNet

__all__ = [
    "MAP_MODELS",
    "MODELS",
    "MapNetwork",
    "Maps",
    "MixedWeightFocalLoss",
    "Network",
    "build_model",
    "empty_model",
]

Network: TypeAlias = (
    "MapNetwork | UCRDNet | Classifier | KaryotypeNetwork"  # each keeps what it was built from as `.config`
)

MAP_MODELS: dict[str, Callable[[ModelConfig], MapNetwork]] = {
    "region-guided-unetpp": RegionGuidedUNetPlusPlus,
    "unetpp": UNetPlusPlus,
    "unet": UNet,
}


def _ucrd_net(config: DetectorConfig) -> UCRDNet:
    from chromseg.models.ucrd_net import UCRDNet  # torchvision takes seconds, and the map networks do without

    return UCRDNet(config)


def _classifier(config: ClassifierConfig) -> Classifier:
    from chromseg.models.classifier import Classifier

    return Classifier(config)


MODELS: dict[str, Callable[..., Network]] = {
    **MAP_MODELS,
    "ucrd-net": _ucrd_net,
    "classifier": _classifier,
    "karyotype": KaryotypeNetwork,
}


@overload
def build_model(config: ModelConfig) -> MapNetwork: ...
@overload
def build_model(config: DetectorConfig) -> UCRDNet: ...
@overload
def build_model(config: ClassifierConfig) -> Classifier: ...
@overload
def build_model(config: KaryotypeConfig) -> KaryotypeNetwork: ...
@overload
def build_model(config: AnyModelConfig) -> Network: ...
def build_model(config: AnyModelConfig) -> Network:
    """A network at the start of its training: random, but for a backbone, which has its `weights`.

    Raises:
        ModelError: The architecture is not in `MODELS`, its depth or width is below 1, or weights cannot be read.
        ConfigError: A detector's values describe no network.
    """
    network = empty_model(config)
    if isinstance(network, MapNetwork | KaryotypeNetwork) or isinstance(config, ModelConfig | KaryotypeConfig):
        return network
    if config.weights:
        from chromseg.models.ucrd_net.weights import load_backbone_weights

        load_backbone_weights(network.backbone, config.weights)
    return network


def empty_model(config: AnyModelConfig) -> Network:
    """The same without reading any file, to be filled with the weights of a trained model.

    Raises:
        ModelError: The architecture is not in `MODELS`, or its depth or width is below 1.
        ConfigError: A detector's values describe no network.
    """
    if config.architecture not in MODELS:
        raise ModelError(
            f"architecture `{config.architecture}`",
            expected=f"one of {', '.join(MODELS)}",
            remedy="correct `model.architecture`",
        )
    if isinstance(config, ModelConfig):
        _check_sizes(config)
    return MODELS[config.architecture](config)


def _check_sizes(config: ModelConfig) -> None:
    if min(config.depth, config.width, config.max_width, config.chromosome_level) < 1:
        raise ModelError(
            f"depth {config.depth}, width {config.width}, max_width {config.max_width}, "
            f"chromosome_level {config.chromosome_level}",
            expected="all at least 1",
            remedy="correct the block `model`",
        )
