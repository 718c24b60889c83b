"""The file in which a version travels between stores: what it says of itself, and whether that holds together.

It is a ZIP: `manifest.json` and `model/…`. Its excerpt of the log is followed link by link up to the head that the log
had when it was cut from it, and the entry that let the version in must speak of these very facts, and of a package with
these very weights, cards and pages. Who can rewrite the whole file can rewrite all that too: hence its own hash, which
the sender says by another way.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from chromseg.errors import RegistryError
from chromseg.files import sha256
from chromseg.naming import MODEL_FILES
from chromseg.registry.log.entries import ADMITS, GENESIS, Entry
from chromseg.registry.versions.package_files import MODEL, hash_of
from chromseg.registry.versions.version import signature

FORMAT = 3  # 1 did not say how long the log was; 2 nothing of the package, so that cards and pages could be changed
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


def transferred(package: Mapping[str, str]) -> dict[str, str]:
    """Of a package's files those that go to another lab, by their names in the model folder."""
    inside = {name.removeprefix(f"{MODEL}/"): digest for name, digest in package.items() if name.startswith(MODEL)}
    return {name: digest for name, digest in inside.items() if _NAMES.fullmatch(name)}


def read_manifest(archive: zipfile.ZipFile) -> Transfer:
    """What the file says of itself.

    Raises:
        ValueError: It has another format.
        KeyError, TypeError: It has not the fields of one.
    """
    values: dict[str, Any] = json.loads(archive.read("manifest.json"))
    if values["format"] != FORMAT:
        raise ValueError(f"format {values['format']}, not {FORMAT}")
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


def checked(file: Path, transfer: Transfer) -> Transfer:
    """Itself, if its excerpt of the log is whole and vouches for its facts and files.

    Raises:
        RegistryError: It does not; the message says in what.
    """
    entries = transfer.excerpt
    links = [later.prev == earlier.hash for earlier, later in pairwise(entries)]
    if not transfer.own or not all(links) or (entries[0].prev == GENESIS) != (transfer.first == 1):
        raise bad(file, "its excerpt of the audit log has a gap or was changed")
    if (transfer.first + len(entries) - 1, entries[-1].hash) != (transfer.length, transfer.head):
        raise bad(
            file, f"its excerpt of the audit log was trimmed: it does not reach entry {transfer.length}, the head"
        )
    first = transfer.own[0]
    if first.action not in ADMITS or first.facts["tags_sha256"] != signature(transfer.tags):
        raise bad(file, "its lineage and hashes are not those that were registered")
    if first.facts.get("package_sha256") not in (None, hash_of(transfer.package)):
        raise bad(file, "its package is not the one that was registered")
    if transfer.files != transferred(transfer.package):
        raise bad(file, "its files are not those of the package that was registered")
    if transfer.files.get(MODEL_FILES[0]) != transfer.tags["weights_sha256"]:
        raise bad(file, f"its {MODEL_FILES[0]} is not the one that was registered")
    if transfer.files.get(MODEL_FILES[1]) != transfer.tags["card_sha256"]:
        raise bad(file, f"its {MODEL_FILES[1]} is not the one that was registered")
    return transfer


def unpack(archive: zipfile.ZipFile, transfer: Transfer, folder: Path) -> None:
    """Take only files that the manifest names, and only names that a model folder has."""
    sizes = [archive.getinfo(f"model/{name}").file_size for name in transfer.files]
    if sum(sizes) > _LARGEST or not all(_NAMES.fullmatch(name) for name in transfer.files):
        raise ValueError("files that no model folder has")
    for name in transfer.files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(archive.read(f"model/{name}"))


def compare(file: Path, transfer: Transfer, folder: Path) -> None:
    """Refuse files in `folder` whose hashes are not those that the transfer file says.

    Raises:
        RegistryError: Some are not; the message names them.
    """
    wrong = [name for name, expected in sorted(transfer.files.items()) if sha256(folder / name) != expected]
    if wrong:
        raise bad(file, f"{', '.join(wrong)} changed on the way")


def bad(file: Path, why: str) -> RegistryError:
    """The error for a file that cannot be imported."""
    return RegistryError(
        f"{file} cannot be imported: {why}",
        expected="a file written by `chromseg-ops models export`, as it was written",
        remedy="export it and bring it over again",
    )
