"""A registered version written to one file, for a network without a connection."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import chromseg
from chromseg.errors import RegistryError
from chromseg.files import replacing
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import timestamp
from chromseg.registry.store.store import open_store
from chromseg.registry.transfer.transfer import FORMAT, transferred
from chromseg.registry.versions.package_files import MODEL
from chromseg.registry.versions.references import Reference, find_version, parse_reference, standing
from chromseg.registry.versions.resolve import checked_package
from chromseg.registry.versions.version import SIGNED, Version, find


def export_version(reference: str, file: Path) -> Version:
    """Write a registered version, by `NAME@ALIAS` or `NAME/VERSION`, to a new file.

    Raises:
        RegistryError: There is no such version, its files are not those registered, or `file` exists.
        OutputError: The file cannot be written.
    """
    if file.exists():
        raise RegistryError(f"{file} exists", expected="a new file", remedy="choose another name or remove it")
    client = open_store()
    version = find(client, parse_reference(reference))
    own = Reference(version.name, version=version.number)
    (package, hashes), found = checked_package(version), find_version(client, own)
    chain = standing(client, version.name)[1]
    kept = transferred(hashes)
    manifest = {
        "format": FORMAT,
        "name": version.name,
        "version": version.number,
        "tags": {name: found.tags[name] for name in SIGNED if name in found.tags},
        "log": _excerpt(chain, version),
        "files": kept,
        "package": hashes,
        "exported": {"at": timestamp(), "by": current_actor(), "software": chromseg.__version__},
    }
    with replacing(file) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
        for name in kept:
            archive.write(package / MODEL / name, f"model/{name}")
    return version


def _excerpt(chain: Chain, version: Version) -> dict[str, Any]:
    """The log from the version's registration to its end without a gap, and where that is in the whole log."""
    entries = chain.entries
    start = next(i for i, each in enumerate(entries) if (each.model, each.version) == (version.name, version.number))
    texts = [entry.to_json() for entry in entries[start:]]
    return {"first": start + 1, "length": len(entries), "head": chain.head, "entries": texts}
