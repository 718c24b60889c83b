"""From a model folder to the predictor of its family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

import chromseg
from chromseg.config import DetectorConfig
from chromseg.errors import ModelError
from chromseg.inference.correcting import OutlineCorrector
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.predictor import Predictor
from chromseg.inference.result import ModelIdentity
from chromseg.inference.verifying import OutlineVerifier
from chromseg.memory import keep_freed_memory
from chromseg.models.cascade import CascadeNetwork
from chromseg.models.device import usable_device
from chromseg.models.fold import Network, folded
from chromseg.models.maps import MapNetwork
from chromseg.models.package import ModelCard, load_model, parent_card
from chromseg.validation import InputCheck

if TYPE_CHECKING:
    from chromseg.inference.cascade import CascadePredictor
    from chromseg.inference.instance_predictor import InstancePredictor


def predictor_from_folder(
    folder: Path, *, name: str = "", version: str | None = None, device: str = "cpu"
) -> Predictor:
    """Load a folder with `model.safetensors` and `model.json`.

    Args:
        folder: The model folder.
        name: What results call the model; default: the name in its card.
        version: Registered version, if it is one.
        device: Where the network runs, as `usable_device` takes it.

    Raises:
        ModelError: The folder holds no usable model.
        ConfigError: There is no such device.
    """
    keep_freed_memory()
    predictor = _of_its_family(folder, name, version, usable_device(device))
    return replace(predictor, check_input=InputCheck(predictor.limits))


def _of_its_family(folder: Path, name: str, version: str | None, device: str) -> Predictor:
    network, card = load_model(folder)
    identity = identity_of(card, name, version)
    if isinstance(network, CascadeNetwork):
        return _cascade(network, card, identity, device)
    if isinstance(network, MapNetwork):
        return map_predictor(network, card, identity, device)
    if isinstance(card.architecture, DetectorConfig):
        return instance_predictor(network, card, identity, device)
    raise ModelError(
        f"{folder} with a `{card.architecture.architecture}`",
        expected="a model that finds chromosomes",
        remedy="choose another model",
    )


def map_predictor(network: MapNetwork, card: ModelCard, identity: ModelIdentity, device: str = "cpu") -> MapPredictor:
    """A network of maps."""
    return MapPredictor(card, identity, device, network=_fastest(network, device))


def instance_predictor(
    network: nn.Module, card: ModelCard, identity: ModelIdentity, device: str = "cpu"
) -> InstancePredictor:
    """A detector."""
    from chromseg.inference.instance_predictor import InstancePredictor  # torchvision costs a second
    from chromseg.models.ucrd_net import UCRDNet

    assert isinstance(network, UCRDNet)
    return InstancePredictor(card, identity, device, network=_fastest(network, device))


def _fastest(network: Network, device: str) -> Network:
    """A network in the form that is fastest to run."""
    return folded(network).to(device).to(memory_format=torch.channels_last)


def _cascade(network: CascadeNetwork, card: ModelCard, identity: ModelIdentity, device: str) -> CascadePredictor:
    """Each parent a predictor of its own, with the card it was trained with."""
    from chromseg.inference.cascade import CascadePredictor

    maps_card, detector_card = parent_card(card, "maps"), parent_card(card, "detector")
    assert isinstance(network.maps, MapNetwork)
    experts = {}
    for stain, expert in network.experts.items():
        own = parent_card(card, stain)
        assert isinstance(expert, MapNetwork)
        experts[stain] = map_predictor(expert, own, identity_of(own), device)
    return CascadePredictor(
        card,
        identity,
        device,
        maps=map_predictor(network.maps, maps_card, identity_of(maps_card), device),
        detector=instance_predictor(network.detector, detector_card, identity_of(detector_card), device),
        rule=network.config.rule,
        experts=experts,
        verifier=None if network.verifier is None else OutlineVerifier(network.verifier.to(device), device),
        corrector=None if network.corrector is None else OutlineCorrector(network.corrector.to(device), device),
    )


def identity_of(card: ModelCard, name: str = "", version: str | None = None) -> ModelIdentity:
    """What results say of the model with this card."""
    return ModelIdentity(
        name=name or card.name,
        version=version,
        weights_sha256=card.weights_sha256,
        data_md5=dict(card.lineage.get("data_md5") or {}),
        commit=card.lineage.get("git_commit"),
        partition=card.partition,
        software_version=chromseg.__version__,
    )
