"""A model on disk: `model.safetensors` with the weights, `model.json` with all that is needed to use and judge them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, overload

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from chromseg.config import AnyModelConfig, parse, parse_model
from chromseg.errors import ConfigError, ModelError
from chromseg.files import replacing, sha256, write_json
from chromseg.models import Network, empty_model
from chromseg.models.cascade import CascadeConfig, CascadeNetwork
from chromseg.models.corrector import Corrector
from chromseg.models.verifier import Verifier
from chromseg.naming import MODEL_FILES

Family = TypeVar("Family", bound=nn.Module)

WEIGHTS, CARD = MODEL_FILES
_FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """What `model.json` says (contract §4).

    Attributes:
        name: The variant.
        architecture: Network and parameters, enough to build it.
        stain: Stain of the training images, or "unknown".
        polarity: Polarity of the training images before they became absorbance, or "unknown".
        chromosome_area: Median area of a training chromosome in pixels; None if no masks were seen.
        chromosome_width: Median width of chromosomes in the training images in pixels, as `estimate_width` measures it;
            None if nothing in them looks like a chromosome.
        preprocessing: How a file becomes the network's input, beyond absorbance float32 0-1.
        partition: Keyword settings of `partition_crossings` that go with the model.
        input: Limits of the input rules, by the names of `validation.ImageLimits`; {} for those of today.
        metrics: Metric key → value, as in contract §4.
        lineage: Data md5, commit, parents and the like; the registry demands some of it.
        weights_sha256: Of `model.safetensors`; set on saving.
        parents: Of a cascade, by role: name, version and weights_sha256 of the registered model, and its `card`.
        seen: Pictures that it, or a parent, was trained on (`annotations.seen.Seen`); None in cards of older versions.
        looks: How pictures of each stain that it was trained on look to it (`inference.familiarity.StainLook`); {} if
            nobody has measured that.
    """

    name: str
    architecture: AnyModelConfig | CascadeConfig
    stain: str = "unknown"
    polarity: str = "unknown"
    chromosome_area: float | None = None
    chromosome_width: float | None = None
    preprocessing: dict[str, Any] = field(default_factory=dict)
    partition: dict[str, Any] = field(default_factory=dict)
    input: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    parents: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Any] | None = None
    looks: dict[str, Any] = field(default_factory=dict)

    @property
    def trained_width(self) -> float:
        """The width in pixels to which the chromosomes of every training picture were brought; 0.0 if to none."""
        return (self.chromosome_width or 0.0) if self.preprocessing.get("scaled") else 0.0


def save_model(folder: Path, network: Network | CascadeNetwork, card: ModelCard) -> ModelCard:
    """Write weights and card into `folder`, replacing what was there; other files in it stay.

    Returns:
        The card with the hash of the weights.

    Raises:
        OutputError: The folder cannot be written.
    """
    weights = save({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()})
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(weights)  # unlike safetensors' own writing, readable as the umask says
    card = dataclasses.replace(card, architecture=network.config, weights_sha256=sha256(folder / WEIGHTS))
    write_card(folder, card)
    return card


def write_card(folder: Path, card: ModelCard) -> None:
    """Write only `model.json`, after metrics or lineage were added."""
    write_json(folder / CARD, {"format": _FORMAT} | asdict(card))


@overload
def load_model(folder: Path) -> tuple[Network | CascadeNetwork, ModelCard]: ...
@overload
def load_model(folder: Path, family: type[Family]) -> tuple[Family, ModelCard]: ...
def load_model(folder: Path, family: type[nn.Module] = nn.Module) -> tuple[nn.Module, ModelCard]:
    """Read a model folder.

    Args:
        folder: Of `save_model`.
        family: `MapNetwork`, `UCRDNet` or `CascadeNetwork`, if only one of them can be used.

    Returns:
        The network on the CPU, in evaluation mode, and its card.

    Raises:
        ModelError: A file is missing or damaged, the weights are not those the card was written for, or they do not
            fit the architecture, or it is of another family.
        ConfigError: A detector's values describe no network.
    """
    card = read_card(folder)
    network = _empty(card.architecture)
    if not isinstance(network, family):
        raise ModelError(
            f"{folder} with a `{card.architecture.architecture}`",
            expected=f"a {family.__name__}",
            remedy="choose another model",
        )
    _fill(network, _read_weights(folder, card), folder / WEIGHTS)
    return network.eval(), card


def read_card(folder: Path) -> ModelCard:
    """Read only `model.json`.

    Raises:
        ModelError: It is missing, damaged or of another format.
    """
    path = folder / CARD
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.pop("format", None) != _FORMAT:
            raise ValueError(f"not of format {_FORMAT}")
        values["architecture"] = _architecture(values.get("architecture"))
        return ModelCard(**values)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError, TypeError, ConfigError) as error:
        raise ModelError(
            f"{path} cannot be read ({error})",
            expected=f"a model card of format {_FORMAT}",
            remedy="copy the model folder again, or train the model again",
        ) from error


def parent_card(card: ModelCard, role: str) -> ModelCard:
    """The card that a parent of a cascade was made with.

    Args:
        card: The cascade's.
        role: "maps", "detector", or the stain of an expert.

    Raises:
        ModelError: The card is no cascade's, or lacks the parent.
    """
    config = card.architecture
    try:
        if isinstance(config, CascadeConfig) and role in config.experts:
            return ModelCard(architecture=config.experts[role], **card.parents[role]["card"])
        return ModelCard(architecture=getattr(config, role), **card.parents[role]["card"])
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelError(
            f"the card of {card.name} without its parent `{role}` ({error})",
            expected="a cascade with the cards of both parents",
            remedy="build the cascade again (`python -m pipelines.cascade`)",
        ) from error


def _architecture(values: Any) -> AnyModelConfig | CascadeConfig:
    """The block `architecture`; a cascade is put together from trained models, so no params file may ask for one."""
    if isinstance(values, dict) and values.get("architecture") == "cascade":
        return parse(CascadeConfig, values, "architecture")
    return parse_model(values, "architecture")


def _empty(architecture: AnyModelConfig | CascadeConfig) -> Network | CascadeNetwork:
    if isinstance(architecture, CascadeConfig):
        experts = {stain: empty_model(expert) for stain, expert in architecture.experts.items()}
        parents = empty_model(architecture.maps), empty_model(architecture.detector)
        verifier = Verifier() if architecture.verifier else None
        corrector = Corrector() if architecture.corrector else None
        return CascadeNetwork(architecture, *parents, experts, verifier, corrector)
    return empty_model(architecture)


def _read_weights(folder: Path, card: ModelCard) -> dict[str, Tensor]:
    path = folder / WEIGHTS
    if not path.is_file():
        raise _missing(path)
    found = sha256(path)
    if found != card.weights_sha256:
        raise ModelError(
            f"{path} has SHA-256 {found[:12]}…",
            expected=f"{card.weights_sha256[:12]}…, the weights its {CARD} was written for",
            remedy="copy the model folder again, or train the model again",
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ModelError(
            f"{path} is no safetensors file ({error})", expected="weights", remedy="train the model again"
        ) from error


def _fill(network: Network | CascadeNetwork, weights: dict[str, Tensor], path: Path) -> None:
    try:
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ModelError(
            f"{path} does not fit the architecture ({' '.join(str(error).split())[:300]})",
            expected=f"weights of {network.config}",
            remedy=f"take weights and {CARD} from the same training run",
        ) from error


def _missing(path: Path) -> ModelError:
    return ModelError(
        f"no {path}", expected=f"a folder with {WEIGHTS} and {CARD}", remedy="check the path, or train a model first"
    )
