"""A registered version as one file, for networks without a connection: files, facts, and the log that vouches for them.

The file is a ZIP: `manifest.json` and `model/…`. On arrival the hash of every file is compared, the excerpt of the log
is followed link by link up to the head that the log had when it was cut from it, and the entry that let the version in
must speak of these very facts, and of a package with these very weights, cards and pages. Whoever can rewrite the whole
file can rewrite all that too: hence its own hash, which the sender says by another way.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import chromseg
from chromseg.errors import RegistryError
from chromseg.files import replacing, sha256
from chromseg.naming import MODEL_FILES
from chromseg.registry.log.actor import current_actor
from chromseg.registry.log.entries import ADMITS, GENESIS, Chain, Entry, timestamp
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.package_files import MODEL, hash_of
from chromseg.registry.versions.references import Reference, check_name, find_version, parse_reference, standing
from chromseg.registry.versions.register import bring_in, list_versions
from chromseg.registry.versions.resolve import checked_folder, checked_package
from chromseg.registry.versions.version import SIGNED, Version, find, signature

_FORMAT = 3  # 1 did not say how long the log was; 2 nothing of the package, so that cards and pages could be changed
_NAMES = re.compile(r"model\.safetensors|model\.json|[\w-]+\.(md|html)|failures/[\w.-]+\.png")
_LARGEST = 8 * 2**30  # bytes, unpacked


@dataclass(frozen=True)
class Transfer:
    """What a transfer file says of itself.

    Attributes:
        name: Registered model it was taken from.
        version: Its version there.
        tags: Lineage, metrics and hashes it was registered with.
        excerpt: The log from its registration to the end.
        first: Place of the excerpt's first entry in the log, from 1.
        length: Entries of the whole log.
        head: Hash of its last one.
        files: SHA-256 by name.
        package: SHA-256 of each file of the MLflow package it was taken from, by name.
    """

    name: str
    version: int
    tags: dict[str, str]
    excerpt: tuple[Entry, ...]
    first: int
    length: int
    head: str
    files: dict[str, str]
    package: dict[str, str]

    @property
    def own(self) -> list[Entry]:
        """The entries that speak of this version."""
        return [each for each in self.excerpt if (each.model, each.version) == (self.name, self.version)]


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
    kept = _transferred(hashes)
    manifest = {
        "format": _FORMAT,
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


def import_version(
    file: Path, *, name: str | None = None, announced: str | None = None, by: str | None = None
) -> tuple[Version, bool]:
    """Register what `export_version` wrote as the next version; the same files again are the version they already are.

    Args:
        file: The transfer file.
        name: Registered model that gets the version; default: its name at home.
        announced: SHA-256 of the file, as the sender said it by another way; that it was compared is recorded.
        by: Who; default: `current_actor()`.

    Returns:
        The version, and whether it is new.

    Raises:
        RegistryError: The file is not the one announced, is damaged, was tampered with, or its log does not vouch for
            it.
    """
    by = by or current_actor()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                _check_announced(file, digest, announced)
                with zipfile.ZipFile(stream) as archive:
                    transfer = _checked(file, _read_manifest(archive))
                    _unpack(archive, transfer, folder)
        except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _bad(file, f"{type(error).__name__}: {error}") from error
        _compare(file, transfer, folder)
        return bring_in(
            folder,
            check_name(name or transfer.name),
            transfer.tags,
            by=by,
            reason=f"from {transfer.name}/{transfer.version} of another store{_unvouched(transfer)}",
            facts={
                "origin": [entry.to_dict() for entry in transfer.own],
                "origin_head": transfer.head,
                "origin_length": transfer.length,
                "file_sha256": digest,
                "file_announced": announced is not None,
            },
        )


def absent_parents(version: Version) -> tuple[str, ...]:
    """The parents of a cascade, as they are called at its home, whose weights no version of this store has."""
    from chromseg.models.package import read_card  # torch

    here = {each.weights_sha256 for each in list_versions()}
    parents = read_card(checked_folder(version)).parents.values()
    return tuple(f"{own['name']}/{own['version']}" for own in parents if own["weights_sha256"] not in here)


def _excerpt(chain: Chain, version: Version) -> dict[str, Any]:
    """The log from the version's registration to its end without a gap, and where that is in the whole log."""
    entries = chain.entries
    start = next(i for i, each in enumerate(entries) if (each.model, each.version) == (version.name, version.number))
    texts = [entry.to_json() for entry in entries[start:]]
    return {"first": start + 1, "length": len(entries), "head": chain.head, "entries": texts}


def _transferred(package: Mapping[str, str]) -> dict[str, str]:
    """Of a package's files those that go to another lab, by their names in the model folder."""
    inside = {name.removeprefix(f"{MODEL}/"): digest for name, digest in package.items() if name.startswith(MODEL)}
    return {name: digest for name, digest in inside.items() if _NAMES.fullmatch(name)}


def _read_manifest(archive: zipfile.ZipFile) -> Transfer:
    values: dict[str, Any] = json.loads(archive.read("manifest.json"))
    if values["format"] != _FORMAT:
        raise ValueError(f"format {values['format']}, not {_FORMAT}")
    log = values["log"]
    return Transfer(
        values["name"],
        values["version"],
        dict(values["tags"]),
        tuple(Entry.from_json(text) for text in log["entries"]),
        log["first"],
        log["length"],
        log["head"],
        dict(values["files"]),
        dict(values["package"]),
    )


def _check_announced(file: Path, digest: str, announced: str | None) -> None:
    if announced is not None and digest != announced.strip().lower():
        raise RegistryError(
            f"{file} has SHA-256 {digest}",
            expected=f"{announced}, as announced",
            remedy="do not import it; ask the sender for the file and for its hash again, on separate ways",
        )


def _checked(file: Path, transfer: Transfer) -> Transfer:
    entries = transfer.excerpt
    links = [later.prev == earlier.hash for earlier, later in pairwise(entries)]
    if not transfer.own or not all(links) or (entries[0].prev == GENESIS) != (transfer.first == 1):
        raise _bad(file, "its excerpt of the audit log has a gap or was changed")
    if (transfer.first + len(entries) - 1, entries[-1].hash) != (transfer.length, transfer.head):
        raise _bad(
            file, f"its excerpt of the audit log was trimmed: it does not reach entry {transfer.length}, the head"
        )
    first = transfer.own[0]
    if first.action not in ADMITS or first.facts["tags_sha256"] != signature(transfer.tags):
        raise _bad(file, "its lineage and hashes are not those that were registered")
    if first.facts.get("package_sha256") not in (None, hash_of(transfer.package)):
        raise _bad(file, "its package is not the one that was registered")
    if transfer.files != _transferred(transfer.package):
        raise _bad(file, "its files are not those of the package that was registered")
    if transfer.files.get(MODEL_FILES[0]) != transfer.tags["weights_sha256"]:
        raise _bad(file, f"its {MODEL_FILES[0]} is not the one that was registered")
    if transfer.files.get(MODEL_FILES[1]) != transfer.tags["card_sha256"]:
        raise _bad(file, f"its {MODEL_FILES[1]} is not the one that was registered")
    return transfer


def _unvouched(transfer: Transfer) -> str:
    return "" if "package_sha256" in transfer.own[0].facts else ", whose log has no hash of its card and pages"


def _unpack(archive: zipfile.ZipFile, transfer: Transfer, folder: Path) -> None:
    """Take only files that the manifest names, and only names that a model folder has."""
    sizes = [archive.getinfo(f"model/{name}").file_size for name in transfer.files]
    if sum(sizes) > _LARGEST or not all(_NAMES.fullmatch(name) for name in transfer.files):
        raise ValueError("files that no model folder has")
    for name in transfer.files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(archive.read(f"model/{name}"))


def _compare(file: Path, transfer: Transfer, folder: Path) -> None:
    wrong = [name for name, expected in _sorted(transfer.files) if sha256(folder / name) != expected]
    if wrong:
        raise _bad(file, f"{', '.join(wrong)} changed on the way")


def _sorted(files: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(files.items())


def _bad(file: Path, why: str) -> RegistryError:
    return RegistryError(
        f"{file} cannot be imported: {why}",
        expected="a file written by `chromseg-ops models export`, as it was written",
        remedy="export it and bring it over again",
    )
