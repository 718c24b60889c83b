"""The parents of a cascade, pinned by version: this store must have them with the weights the cascade holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromseg.errors import RegistryError
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.versions.references import Reference, all_versions, parse_reference, tagged_versions
from chromseg.registry.versions.version import check_in_use, find

if TYPE_CHECKING:
    from chromseg.models.package import ModelCard


def check_parents(client: MlflowClient, folder: Path, card: ModelCard) -> None:
    """Refuse a model that names parents which this store does not have; one without parents passes.

    Raises:
        RegistryError: A parent is missing, has other weights than those the card was written for, or was retired.
    """
    weights = {f"models:/{own['name']}/{own['version']}": own["weights_sha256"] for own in card.parents.values()}
    for pin in card.lineage.get("parents") or ():
        expected, found = weights.get(pin, ""), _registered_weights(client, parse_reference(pin))
        if found != expected:
            state = "is not registered here" if found is None else f"has weights {found[:12]}… here"
            raise RegistryError(
                f"{folder} is built of {pin}, which {state}",
                expected=f"the version with weights {expected[:12]}…, as its card says",
                remedy="register that parent first, or build the cascade again of versions that are here "
                "(`python -m pipelines.cascade`)",
            )


def pinned_here(client: MlflowClient, card: ModelCard) -> ModelCard:
    """The card with its parents under the numbers that their weights have in this store.

    A parent that is not here keeps its number, and `check_parents` will refuse it.
    """
    parents = {role: own | {"version": _number_here(client, own)} for role, own in card.parents.items()}
    pins = [f"models:/{own['name']}/{own['version']}" for own in parents.values()]
    return replace(card, parents=parents, lineage=card.lineage | {"parents": pins})


def _number_here(client: MlflowClient, parent: Mapping[str, Any]) -> str:
    same = tagged_versions(client, parent["name"], {"weights_sha256": parent["weights_sha256"]})
    return str(same[0].version if same else parent["version"])


def _registered_weights(client: MlflowClient, pin: Reference) -> str | None:
    if pin.version is None or not all_versions(client, pin.name, f"version_number = {pin.version}"):
        return None
    parent = find(client, pin)
    check_in_use(parent)
    return parent.weights_sha256
