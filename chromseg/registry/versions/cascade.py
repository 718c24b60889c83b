"""Putting registered models together into a cascade, whose parents are pinned by version and hash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.annotations.seen import Seen
from chromseg.errors import ModelError, RegistryError
from chromseg.registry.lineage.gather import gather_lineage
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.versions.resolve import Resolved, resolve_model

if TYPE_CHECKING:
    from chromseg.models.cascade import CascadeRule
    from chromseg.models.corrector import Corrector
    from chromseg.models.maps import MapNetwork
    from chromseg.models.package import ModelCard
    from chromseg.models.verifier import Verifier

NAME = "cascade"
SEED = 0  # nothing is left to chance


@dataclass(frozen=True)
class Parents:
    """The registered models that a cascade is built of.

    Attributes:
        maps: Draws maps; the cascade takes its scale and stage 2.
        detector: A UCRD-Net.
        experts: By stain, a model that draws the maps of pictures of that stain instead.
        teacher: A cascade whose verifier and corrector it takes over: what that knows the new one knows, and the
            lineage names it, but it is no parent that must be there when the new one is registered.
    """

    maps: Resolved
    detector: Resolved
    experts: Mapping[str, Resolved] = field(default_factory=dict)
    teacher: Resolved | None = None

    @property
    def roles(self) -> dict[str, Resolved]:
        """All of them, as the cascade's card calls them."""
        return {"maps": self.maps, "detector": self.detector, **self.experts}

    @property
    def known(self) -> list[tuple[str, ModelCard]]:
        """Name and card of each model whose pictures the cascade knows by its weights."""
        from chromseg.models.package import read_card

        named = dict(zip(self.pins, self.roles.values(), strict=True))
        if self.teacher is not None:
            named[_pin(self.teacher)] = self.teacher
        return [(pin, read_card(own.folder)) for pin, own in named.items()]

    @property
    def pins(self) -> tuple[str, ...]:
        """How a lineage names them: `models:/chromseg/3`, never by an alias, which moves."""
        return tuple(_pin(parent) for parent in self.roles.values())


def build_cascade(folder: Path, parents: Parents, rule: CascadeRule, lineage: Lineage, seen: Seen) -> ModelCard:
    """Write a model folder that holds the weights and cards of its parents and needs none of them any more.

    Args:
        folder: Model folder to write.
        parents: What it is built of.
        rule: How the better explanation is found.
        lineage: Of the cascade, with the pins of its parents.
        seen: The pictures that its parents know, and those that test the cascade (`seen_by_parents`).

    Returns:
        Its card.

    Raises:
        ModelError: A parent is damaged, not of the family it is to play the part of, or a detector without masks.
        OutputError: The folder cannot be written.
    """
    from chromseg.models.cascade import CascadeConfig, CascadeNetwork
    from chromseg.models.package import load_model, save_model
    from chromseg.models.ucrd_net import UCRDNet

    detector, detector_card = load_model(parents.detector.folder, UCRDNet)
    maps, map_card = _network_of_maps(parents.maps.folder, "--maps")
    experts = {stain: _network_of_maps(own.folder, "--expert") for stain, own in parents.experts.items()}
    _check_detector(parents.detector.folder, detector_card, map_card)
    for stain, (_, card) in experts.items():
        _check_expert(stain, card, map_card)
    networks = {stain: network for stain, (network, _) in experts.items()}
    configs = {stain: network.config for stain, network in networks.items()}
    cards = {"maps": map_card, "detector": detector_card} | {stain: card for stain, (_, card) in experts.items()}
    config = CascadeConfig("cascade", maps.config, detector.config, rule, configs)
    card = replace(
        map_card,
        name=NAME,
        architecture=config,
        preprocessing={"scaled": True} if map_card.trained_width else {},
        metrics={},
        lineage=replace(lineage, seen_sha256=seen.sha256()).to_dict(),
        seen=seen.to_card(),
        parents={role: _parent(parent, cards[role]) for role, parent in parents.roles.items()},
    )
    return save_model(folder, CascadeNetwork(config, maps, detector, networks), card)


def add_taught(folder: Path, verifier: Verifier, corrector: Corrector) -> ModelCard:
    """Give the cascade in a model folder its own networks, in place of those that it may have.

    Raises:
        ModelError: The folder holds no cascade, or a damaged one.
        OutputError: It cannot be written.
    """
    from chromseg.models.cascade import CascadeNetwork
    from chromseg.models.package import load_model, save_model

    network, card = load_model(folder, CascadeNetwork)
    network.config = replace(network.config, verifier=True, corrector=True)
    network.verifier, network.corrector = verifier, corrector
    return save_model(folder, network, card)


def taught_networks(parents: Parents) -> tuple[Verifier, Corrector] | None:
    """The verifier and the corrector of the teacher; None without one.

    Raises:
        ModelError: The teacher is no cascade, is damaged, has no networks of its own, or learned from outlines of
            chromosomes of another width.
    """
    from chromseg.models.cascade import CascadeNetwork
    from chromseg.models.package import load_model, read_card

    if parents.teacher is None:
        return None
    network, card = load_model(parents.teacher.folder, CascadeNetwork)
    if network.verifier is None or network.corrector is None:
        raise ModelError(
            f"{_pin(parents.teacher)} without verifier and corrector",
            expected="a cascade that was taught",
            remedy="name another one with --taught-by, or leave it out, and this one is taught itself",
        )
    width = read_card(parents.maps.folder).trained_width
    if not width or width != card.trained_width:
        raise ModelError(
            f"{_pin(parents.teacher)}, taught on chromosomes {card.trained_width:g} px wide",
            expected=f"{width:g} px, as the network of maps sees them" if width else "a network of maps with a width",
            remedy="leave --taught-by out, and this one is taught itself",
        )
    return network.verifier, network.corrector


def _network_of_maps(folder: Path, option: str) -> tuple[MapNetwork, ModelCard]:
    from chromseg.models.maps import MapNetwork
    from chromseg.models.package import load_model

    network, card = load_model(folder)
    if not isinstance(network, MapNetwork):
        raise ModelError(
            f"{folder} with a `{network.config.architecture}`",
            expected="a network of maps",
            remedy=f"choose another model for {option}",
        )
    return network, card


def _check_detector(folder: Path, detector: ModelCard, maps: ModelCard) -> None:
    if maps.polarity != detector.polarity or maps.stain != detector.stain:
        raise ModelError(
            f"a cascade of {maps.stain} {maps.polarity} and {detector.stain} {detector.polarity}",
            expected="two models of one stain and polarity",
            remedy="choose parents that were trained for the same pictures",
        )
    if detector.preprocessing.get("instances", {}).get("boxes_only"):
        raise ModelError(
            f"{folder}, which was trained on boxes alone",
            expected="a detector that has learned masks",
            remedy="choose another model for --detector",
        )


def _check_expert(stain: str, expert: ModelCard, maps: ModelCard) -> None:
    """An expert looks at the very picture that the others look at, so at the same scale."""
    if stain not in maps.looks:
        raise ModelError(
            f"an expert for {stain}, which {maps.name} cannot recognise",
            expected=f"one of {', '.join(maps.looks) or 'no stain, since the card of --maps has no looks'}",
            remedy="name another stain, or choose other --maps",
        )
    if not expert.trained_width or expert.trained_width != maps.trained_width:
        raise ModelError(
            f"an expert for {stain} that sees chromosomes {expert.trained_width:g} px wide",
            expected=f"{maps.trained_width:g} px, as {maps.name} does",
            remedy="train it in the same profile",
        )


def params_of(parents: Parents, rule: CascadeRule) -> dict[str, Any]:
    """What a run is to show as the settings of a cascade: its rule and its parents."""
    values = {f"rule.{name}": value for name, value in asdict(rule).items()}
    taught = {} if parents.teacher is None else {"teacher": _pin(parents.teacher)}
    return values | dict(zip(parents.roles, parents.pins, strict=True)) | taught


def lineage_of_cascade(
    parents: Parents, *, tested: Sequence[str], corrected_by: Sequence[str], profile: str
) -> Lineage:
    """The lineage: this commit and machine, the data of all parents, teacher and test, and the parents themselves.

    Args:
        parents: What the cascade is built of.
        tested: Datasets whose test cases judge the cascade.
        corrected_by: Datasets whose outlines the samples of others have.
        profile: The pipeline.
    """
    cards = [card for _, card in parents.known]
    built_of = " and ".join(card.name for card in cards[: len(parents.roles)])
    lineage = gather_lineage(
        experiment=NAME,
        variant=NAME,
        seed=SEED,
        datasets=(),
        tested=tested,
        corrected_by=corrected_by,
        profile=profile,
        ablation=built_of if parents.teacher is None else f"{built_of}, taught by {_pin(parents.teacher)}",
    )
    valid = all(bool(card.lineage.get("validation")) for card in cards)
    md5 = lineage.data_md5 | data_of(*cards)
    dirty = lineage.git_dirty or any(bool(card.lineage.get("git_dirty")) for card in cards[len(parents.roles) :])
    return replace(lineage, git_dirty=dirty, data_md5=md5, validation=valid, parents=parents.pins)


def _pin(found: Resolved) -> str:
    return f"models:/{found.name}/{found.version}"


def resolve_parent(model: str) -> Resolved:
    """A registered model that may be a parent: its alias resolved to a version.

    Raises:
        RegistryError: It is not registered: a folder has no version to pin.
    """
    found = resolve_model(model)
    if found.name is None or found.version is None:
        raise RegistryError(
            f"{model} as a parent",
            expected="a registered model, such as models:/chromseg@champion",
            remedy=f"register it first (`chromseg-ops models register {model}`)",
        )
    return found


def seen_by_parents(parents: Parents, tested: Iterable[str]) -> Seen:
    """The pictures that its parents and its teacher know; `tested` are those that it is to be judged on."""
    known = (Seen.from_card(card.seen, name) for name, card in parents.known)
    return Seen.of((), tested).with_parents(*known)


def data_of(*cards: ModelCard) -> dict[str, str]:
    """The data that all of them have seen: dataset → md5; all md5s where they saw different versions of one."""
    seen: dict[str, list[str]] = {}
    for card in cards:
        for name, md5 in (card.lineage.get("data_md5") or {}).items():
            own = seen.setdefault(name, [])
            own += [each for each in md5.split(", ") if each not in own]
    return {name: ", ".join(md5s) for name, md5s in seen.items()}


def _parent(found: Resolved, card: ModelCard) -> dict[str, Any]:
    said_once = ("architecture", "seen")  # the cascade's own card says these
    own = {name: value for name, value in asdict(card).items() if name not in said_once}
    version = None if found.version is None else str(found.version)
    return {"name": found.name, "version": version, "weights_sha256": card.weights_sha256, "card": own}
