"""Is the registry what its audit log says it is?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chromseg.errors import RegistryError
from chromseg.registry.audit import verify_log
from chromseg.registry.backend import ModelVersion
from chromseg.registry.entries import ADMITS, Chain, Entry
from chromseg.registry.references import all_versions, known_names
from chromseg.registry.resolve import checked_folder
from chromseg.registry.store import open_store
from chromseg.registry.version import FILE_HASHES, as_version


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes:
        length: Entries that count.
        head: Hash of the last one.
        problems: Why the registry must not be trusted; empty for a sound one.
        notes: What is odd and harmless: entries that came second, registrations that were cut short.
    """

    length: int
    head: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def verify(*, files: bool = False) -> Verdict:
    """Follow the whole log; compare every registered version with the entry that let it in.

    Args:
        files: Compare also the hashes of all models' files, which a remote store must send for that.

    Raises:
        RegistryError: The store does not open.
    """
    client = open_store()
    chain = verify_log(client)
    versions = {
        (each.name, int(each.version)): each for name in known_names(client) for each in all_versions(client, name)
    }
    entries = [entry for entry in chain.entries if entry.action in ADMITS]
    found = [_problem(chain, entry, versions.get((entry.model, entry.version)), files) for entry in entries]
    problems = (*chain.problems, *(problem for problem in found if problem))
    return Verdict(len(chain.entries), chain.head, problems, tuple(_notes(chain, versions)))


def _problem(chain: Chain, entry: Entry, found: ModelVersion | None, files: bool) -> str | None:
    if found is None:
        return f"{entry.model}/{entry.version}, registered at {entry.at[:19]}Z by {entry.by}, is gone"
    try:
        version = as_version(found, {}, chain)
        if files:
            checked_folder(version)
    except RegistryError as error:
        return str(error)
    return None


def _notes(chain: Chain, versions: dict[tuple[str, int], ModelVersion]) -> list[str]:
    lost = [
        f"entry {number} ({entry.action} of {entry.model}/{entry.version} by {entry.by}) came second and does not count"
        for number, entry in chain.lost.items()
    ]
    cut_short = [
        _unregistered(found, [each for each in versions.values() if chain.admitted(each.name, int(each.version))])
        for (name, number), found in versions.items()
        if "lineage" in found.tags and chain.admitted(name, number) is None
    ]
    return lost + cut_short


def _unregistered(found: ModelVersion, registered: list[ModelVersion]) -> str:
    for each in registered:
        if each.name == found.name and all(each.tags[key] == found.tags.get(key) for key in FILE_HASHES):
            return f"{found.name}/{found.version} holds the files of {each.name}/{each.version} and is no version"
    return f"{found.name}/{found.version} was not registered to the end; register its folder again, which completes it"
