"""Registered versions, listed and read."""

from __future__ import annotations

from chromseg.registry.log.audit import read_log
from chromseg.registry.log.entries import ADMITS
from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.references import all_versions, known_names, parse_reference, standing
from chromseg.registry.versions.version import Version, as_version, find


def list_versions(name: str | None = None, last: int | None = None) -> list[Version]:
    """The versions of one model, or of all, by name and number; those of other programs in the same store left out.

    Args:
        name: Of the model; None for all.
        last: Only the newest so many of each model; the others are not read.

    Raises:
        RegistryError: There is no model `name`, or no store.
    """
    client = open_store()
    names = known_names(client) if name is None else [name]
    return [
        version for each in names for version in _versions(client, each, _newest(client, each, last) if last else "")
    ]


def versions_with_weights(sha256: str) -> list[Version]:
    """Those of all models that the log let in with these weights, by name and number; the others are not read.

    Raises:
        RegistryError: There is no store, or one of them was changed.
    """
    client = open_store()
    admitted = [each for each in read_log(client).entries if each.action in ADMITS]
    same = {(each.model, each.version) for each in admitted if each.facts.get("weights_sha256") == sha256}
    there = [(name, number) for name in known_names(client) for model, number in sorted(same) if model == name]
    return [version for name, number in there for version in _versions(client, name, f"version_number = {number}")]


def show(reference: str) -> Version:
    """The version that `NAME@ALIAS` or `NAME/VERSION` means.

    Raises:
        RegistryError: There is none, or it was not registered by ChromSeg-Ops.
    """
    return find(open_store(), parse_reference(reference))


def _versions(client: MlflowClient, name: str, where: str = "") -> list[Version]:
    """Those registered, as `all_versions` finds them."""
    aliases, chain = standing(client, name)
    found = all_versions(client, name, where)
    return [as_version(each, aliases, chain) for each in found if chain.admitted(name, int(each.version))]


def _newest(client: MlflowClient, name: str, count: int) -> str:
    """What parts the newest so many versions of a model from the others."""
    numbers = sorted(each.version for each in read_log(client).of(name) if each.action in ADMITS)
    return f"version_number >= {numbers[-count]}" if len(numbers) > count else ""
