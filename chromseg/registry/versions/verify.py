"""Is the registry what its audit log says it is? Looking changes nothing in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from chromseg.errors import RegistryError, StoreError
from chromseg.registry.log.aliases import ALIASES, ShownAliases, described_aliases, differing, look_again, shown_aliases
from chromseg.registry.log.audit import registered_models, verify_log
from chromseg.registry.log.chain import Chain
from chromseg.registry.log.entries import ADMITS, Entry
from chromseg.registry.store.backend import MlflowClient, ModelVersion, Run
from chromseg.registry.store.store import open_store
from chromseg.registry.versions.references import Reference, all_versions, parse_reference
from chromseg.registry.versions.resolve import check_stored_files
from chromseg.registry.versions.run_facts import look_at_run, runs_by_id
from chromseg.registry.versions.version import FILE_HASHES, Version, as_version, retired_text

Stored = dict[tuple[str, int], ModelVersion]  # by model and number


class Finding(NamedTuple):
    """Something to tell.

    Attributes:
        kind: `problem`: the registry must not be trusted. `note`: odd and harmless. `unseen`: could not be looked at.
        text: What, in words.
    """

    kind: Literal["problem", "note", "unseen"]
    text: str


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes:
        length: Entries that count.
        head: Hash of the last one.
        problems: Why the registry must not be trusted; empty for a sound one.
        notes: What is odd and harmless: entries that came second, registrations that were cut short, retired versions.
        unseen: What could not be looked at.
    """

    length: int
    head: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def verify(*, files: bool = False, head: str | None = None) -> Verdict:
    """Follow the whole log; compare with it what MLflow has: versions, aliases, runs.

    Args:
        files: Compare also the files of all models in use, which a remote store must send anew for that, one at a time.
        head: "LENGTH HASH", as somebody wrote it down: the log must have had this head.

    Raises:
        StoreError: The store cannot be looked at.
        RegistryError: What this machine has seen of logs was damaged.
    """
    client = open_store()
    models = registered_models(client)
    shown = shown_aliases(models)
    chain, seen_before = verify_log(client, models, head)
    versions = {(each.name, int(each.version)): each for name in shown for each in all_versions(client, name)}
    found = [
        *_of_versions(client, chain, versions, files),
        *_of_aliases(client, chain, shown),
        *_beside_the_log(chain, versions),
        *_odd_entries(chain),
    ]
    if chain.entries and not seen_before:
        found.append(Finding("note", "this machine had not seen this log before: only its models would show a cut end"))
    problems, notes, unseen = (
        tuple(each.text for each in found if each.kind == kind) for kind in ("problem", "note", "unseen")
    )
    return Verdict(len(chain.entries), chain.head, (*chain.problems, *problems), notes, unseen)


def _of_versions(client: MlflowClient, chain: Chain, versions: Stored, files: bool) -> Iterator[Finding]:
    entries = [entry for entry in chain.entries if entry.action in ADMITS]
    runs = runs_by_id(client, [entry.facts["run"]["id"] for entry in entries if "run" in entry.facts])
    for entry in entries:
        yield from _of_version(client, chain, entry, versions, runs, files)


def _of_version(
    client: MlflowClient, chain: Chain, entry: Entry, versions: Stored, runs: dict[str, Run], files: bool
) -> Iterator[Finding]:
    """Of one version that the log let in."""
    label, retired = f"{entry.model}/{entry.version}", retired_text(chain.retired(entry.model, entry.version))
    found = versions.get((entry.model, entry.version))
    if found is None:
        gone = f"{label}, registered at {entry.at[:19]}Z by {entry.by}, is gone"
        if retired is not None:
            yield Finding("note", f"{gone}; it was retired at {retired}")
        else:
            yield Finding("problem", f"{gone}: restore the store, or say why (`models retire {label} --reason …`)")
        return
    try:
        version = as_version(found, {}, chain)
        if files and retired is None:
            check_stored_files(client, found, version)
            if version.package_sha256 is None:
                note = "was registered when the log kept no hash of the whole package: code and pages were not compared"
                yield Finding("note", f"{label} {note}")
    except StoreError as error:
        yield Finding("unseen", str(error))
    except OSError as error:
        yield Finding("unseen", f"the files of {label} cannot be read ({error})")
    except RegistryError as error:
        yield Finding("problem", str(error))
    else:
        yield from _of_retired(chain, entry, version)
    known = entry.facts.get("run", {}).get("id", found.run_id)
    if found.run_id != known:
        yield Finding("problem", f"{label} names run {found.run_id}, and was registered with run {known}")
    wrong, odd = look_at_run(client, entry, runs.get(known))
    yield from (Finding("problem", text) for text in [wrong] if text)
    yield from (Finding("note", text) for text in [odd] if text)


def _of_retired(chain: Chain, entry: Entry, version: Version) -> Iterator[Finding]:
    """Its own retirement, or that of a version it was built of."""
    if version.retired is not None:
        yield Finding("note", f"{version.label} was retired at {version.retired}")
    elif entry.action == "register":  # an imported one names versions of its home
        for pin in map(parse_reference, version.lineage.parents):
            why = retired_text(chain.retired(pin.name, pin.version or 0))
            if why is not None:
                yield Finding("note", f"{version.label} is in use and built of {_label(pin)}, retired at {why}")


def _label(pin: Reference) -> str:
    return f"{pin.name}/{pin.version}"


def _of_aliases(client: MlflowClient, chain: Chain, shown: Mapping[str, ShownAliases]) -> Iterator[Finding]:
    """What MLflow shows beside a sound log."""
    for name in sorted({entry.model for entry in chain.entries} & shown.keys()):
        if not chain.problems and differing(chain, name, shown[name]):
            now, model = look_again(client, name)
            by_hand, cut_off = described_aliases(now, model)
            remedy = f"`models list {name}` puts it right"
            yield from (Finding("problem", f"{text}: somebody moved it; {remedy}, on record") for text in by_hand)
            yield from (Finding("note", f"{text}: whoever decided that was cut off; {remedy}") for text in cut_off)
        for alias in sorted(shown[name].keys() - {*ALIASES}):
            text = f"MLflow shows an alias {alias!r} of {name} (version {shown[name][alias]}) that no entry decided"
            yield Finding("note", text)


def _beside_the_log(chain: Chain, versions: Stored) -> Iterator[Finding]:
    """Versions that the log does not know."""
    ours = {entry.model for entry in chain.entries}
    registered = [each for (name, number), each in versions.items() if chain.admitted(name, number)]
    gone = [each for each in chain.entries if each.action in ADMITS and (each.model, each.version) not in versions]
    for (name, number), found in versions.items():
        if chain.admitted(name, number) is not None:
            continue
        if "lineage" in found.tags:
            yield Finding("note", _unregistered(found, registered, gone))
        elif name in ours:
            yield Finding("problem", f"{name}/{number} was made in MLflow and not by ChromSeg-Ops: no entry lets it in")


def _unregistered(found: ModelVersion, registered: list[ModelVersion], gone: list[Entry]) -> str:
    label = f"{found.name}/{found.version}"
    for each in registered:
        if all(each.tags.get(key) == found.tags.get(key) for key in FILE_HASHES):
            return f"{label} holds the files of {each.name}/{each.version} and is no version"
    for entry in gone:
        if entry.facts["weights_sha256"] == found.tags.get("weights_sha256"):
            return f"{label} holds the weights of {entry.model}/{entry.version}, which is gone, and is no version"
    return f"{label} was not registered to the end and is no version; register its folder again"


def _odd_entries(chain: Chain) -> Iterator[Finding]:
    for number, entry in chain.lost.items():
        what = f"entry {number} ({entry.action} of {entry.model}/{entry.version} by {entry.by})"
        yield Finding("note", f"{what} came second and does not count")
    for entry in chain.entries:
        if entry.action == "repair":
            yield Finding("note", f"at {entry.at[:19]}Z {entry.by} put right what MLflow showed: {entry.reason}")
