"""Registered versions, listed and read."""

from __future__ import annotations

from chromseg.registry.store.backend import MlflowClient
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.references import all_versions, known_names, parse_reference, standing
from chromseg.registry.versions.version import Version, as_version, find


def list_versions(name: str | None = None) -> list[Version]:
    """All versions of one model, or of all, by name and number; those of other programs in the same store left out.

    Raises:
        RegistryError: There is no model `name`, or no store.
    """
    client = open_store()
    if name is not None:
        return _versions(client, name)
    return [version for each in known_names(client) for version in _versions(client, each)]


def show(reference: str) -> Version:
    """The version that `NAME@ALIAS` or `NAME/VERSION` means.

    Raises:
        RegistryError: There is none, or it was not registered by ChromSeg-Ops.
    """
    return find(open_store(), parse_reference(reference))


def _versions(client: MlflowClient, name: str) -> list[Version]:
    aliases, chain = standing(client, name)
    found = [each for each in all_versions(client, name) if chain.admitted(name, int(each.version))]
    return [as_version(each, aliases, chain) for each in found]
