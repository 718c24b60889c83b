"""Putting two registered models together into a cascade, whose parents are pinned by version and hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.annotations.seen import Seen
from chromseg.errors import ModelError, RegistryError
from chromseg.registry.lineage.gather import gather_lineage
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.versions.resolve import Resolved, resolve_model

if TYPE_CHECKING:
    from chromseg.models.cascade import CascadeRule
    from chromseg.models.package import ModelCard

NAME = "cascade"
SEED = 0  # nothing is left to chance


def build_cascade(
    folder: Path, maps: Resolved, detector: Resolved, rule: CascadeRule, lineage: Lineage, seen: Seen
) -> ModelCard:
    """Write a model folder that holds the weights and cards of both parents and needs neither of them any more.

    Args:
        folder: Model folder to write.
        maps: A registered model that draws maps; the cascade takes its scale and stage 2.
        detector: A registered UCRD-Net.
        rule: How the better explanation is found.
        lineage: Of the cascade, with `pinned(maps, detector)` as its parents.
        seen: The pictures that both parents know, and those that test the cascade (`seen_by_parents`).

    Returns:
        Its card.

    Raises:
        ModelError: A parent is damaged, not of the family it is to play the part of, or a detector without masks.
        OutputError: The folder cannot be written.
    """
    from chromseg.config import DetectorConfig, ModelConfig
    from chromseg.models.cascade import CascadeConfig, CascadeNetwork
    from chromseg.models.package import load_model, save_model
    from chromseg.models.ucrd_net import UCRDNet

    map_network, map_card = load_model(maps.folder)
    detector_network, detector_card = load_model(detector.folder, UCRDNet)
    if not isinstance(map_card.architecture, ModelConfig):
        raise ModelError(
            f"{maps.folder} with a `{map_card.architecture.architecture}`",
            expected="a network of maps",
            remedy="choose another model for --maps",
        )
    assert isinstance(detector_card.architecture, DetectorConfig)
    if map_card.polarity != detector_card.polarity or map_card.stain != detector_card.stain:
        raise ModelError(
            f"a cascade of {map_card.stain} {map_card.polarity} and {detector_card.stain} {detector_card.polarity}",
            expected="two models of one stain and polarity",
            remedy="choose parents that were trained for the same pictures",
        )
    if detector_card.preprocessing.get("instances", {}).get("boxes_only"):
        raise ModelError(
            f"{detector.folder}, which was trained on boxes alone",
            expected="a detector that has learned masks",
            remedy="choose another model for --detector",
        )
    config = CascadeConfig("cascade", map_card.architecture, detector_card.architecture, rule)
    card = replace(
        map_card,
        name=NAME,
        architecture=config,
        preprocessing={},
        metrics={},
        lineage=replace(lineage, seen_sha256=seen.sha256()).to_dict(),
        seen=seen.to_card(),
        parents={"maps": _parent(maps, map_card), "detector": _parent(detector, detector_card)},
    )
    return save_model(folder, CascadeNetwork(config, map_network, detector_network), card)


def params_of(maps: Resolved, detector: Resolved, rule: CascadeRule) -> dict[str, Any]:
    """What a run is to show as the settings of a cascade: its rule and its parents."""
    values = {f"rule.{name}": value for name, value in asdict(rule).items()}
    return values | dict(zip(("maps", "detector"), pinned(maps, detector), strict=True))


def lineage_of_cascade(
    maps: Resolved, detector: Resolved, *, tested: Sequence[str], corrected_by: Sequence[str], profile: str
) -> Lineage:
    """The lineage: this commit and machine, the data of both parents and of the test, and the parents themselves.

    Args:
        maps: A registered model that draws maps.
        detector: A registered UCRD-Net.
        tested: Datasets whose test cases judge the cascade.
        corrected_by: Datasets whose outlines the samples of others have.
        profile: The pipeline.
    """
    from chromseg.models.package import read_card

    cards = read_card(maps.folder), read_card(detector.folder)
    lineage = gather_lineage(
        experiment=NAME,
        variant=NAME,
        seed=SEED,
        datasets=(),
        tested=tested,
        corrected_by=corrected_by,
        profile=profile,
        ablation=" and ".join(card.name for card in cards),
    )
    valid = all(bool(card.lineage.get("validation")) for card in cards)
    md5 = lineage.data_md5 | data_of(*cards)
    return replace(lineage, data_md5=md5, validation=valid, parents=pinned(maps, detector))


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


def pinned(*parents: Resolved) -> tuple[str, ...]:
    """How a lineage names its parents: `models:/chromseg/3`, never by an alias, which moves."""
    return tuple(f"models:/{parent.name}/{parent.version}" for parent in parents)


def seen_by_parents(maps: Resolved, detector: Resolved, tested: Iterable[str]) -> Seen:
    """The pictures that both parents know; `tested` are those that the cascade is to be judged on."""
    from chromseg.models.package import read_card

    parents = zip((maps, detector), pinned(maps, detector), strict=True)
    known = (Seen.from_card(read_card(parent.folder).seen, name) for parent, name in parents)
    return Seen.of((), tested).with_parents(*known)


def data_of(*cards: ModelCard) -> dict[str, str]:
    """The data that both parents have seen: dataset → md5; both md5s where they saw different versions of one."""
    seen: dict[str, list[str]] = {}
    for card in cards:
        for name, md5 in (card.lineage.get("data_md5") or {}).items():
            seen.setdefault(name, [])
            if md5 not in seen[name]:
                seen[name].append(md5)
    return {name: ", ".join(md5s) for name, md5s in seen.items()}


def _parent(found: Resolved, card: ModelCard) -> dict[str, Any]:
    said_once = ("architecture", "parents", "seen")  # the cascade's own card says these
    own = {name: value for name, value in asdict(card).items() if name not in said_once}
    version = None if found.version is None else str(found.version)
    return {"name": found.name, "version": version, "weights_sha256": card.weights_sha256, "card": own}
