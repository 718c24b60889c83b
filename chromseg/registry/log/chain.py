"""The chain that the audit log's entries form: what counts, what came second, what is wrong; pure, no store.

Each entry carries the hash of the one before it. Two writers may add to the same head at once: the store puts one of
them first, that one is in the chain, and the other has **lost**. It stays in the store and decides nothing. What
parts a lost one from a forged one is its `prev`: the hash of an entry that once was the head.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from chromseg.registry.log.entries import ADMITS, GENESIS, PROMOTES, Entry
from chromseg.registry.log.stacks import Stacks, move, moved_by_retiring, stacks_of


@dataclass(frozen=True)
class Chain:
    """What a log says, and what is wrong with it.

    Attributes:
        entries: Those that count, oldest first.
        lost: Those that came second, by their number in the store.
        problems: Why it must not be trusted, in words; empty for a sound log.
        stored: How many entries the store holds, lost ones included.
    """

    entries: tuple[Entry, ...] = ()
    lost: Mapping[int, Entry] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    stored: int = 0

    @property
    def head(self) -> str:
        """Hash of the last entry."""
        return self.hash_at(len(self.entries))

    def hash_at(self, length: int) -> str:
        """Hash of the entry that made the chain `length` entries long; `GENESIS` for none."""
        return self.entries[length - 1].hash if length else GENESIS

    def of(self, model: str) -> list[Entry]:
        """The entries of one model."""
        return [entry for entry in self.entries if entry.model == model]

    def admitted(self, model: str, version: int) -> Entry | None:
        """The entry with which a version came in; None if it never did."""
        return self._admissions.get((model, version))

    def retired(self, model: str, version: int) -> Entry | None:
        """The entry that took a version out of use; None if it is in use."""
        return self._retirements.get((model, version))

    def measurements(self, model: str, version: int) -> list[Entry]:
        """What a version was measured to score on test cases, oldest first."""
        return self._measurements.get((model, version), [])

    def promotions(self, model: str, version: int) -> list[Entry]:
        """The entries that gave a version an alias, oldest first; rollbacks left out."""
        return self._promotions.get((model, version), [])

    @cached_property
    def retirements(self) -> tuple[Entry, ...]:
        """The entries that took versions out of use."""
        return tuple(entry for entry in self.entries if entry.action == "retire")

    @cached_property
    def _admissions(self) -> dict[tuple[str, int], Entry]:
        """By model and version; the first that brought it in."""
        return {(each.model, each.version): each for each in reversed(self.entries) if each.action in ADMITS}

    @cached_property
    def _measurements(self) -> dict[tuple[str, int], list[Entry]]:
        return _by_version(each for each in self.entries if each.action == "evaluate" and each.facts["split"] == "test")

    @cached_property
    def _promotions(self) -> dict[tuple[str, int], list[Entry]]:
        return _by_version(each for each in self.entries if each.action in PROMOTES)

    @cached_property
    def _retirements(self) -> dict[tuple[str, int], Entry]:
        return {(each.model, each.version): each for each in reversed(self.retirements)}


def _by_version(entries: Iterable[Entry]) -> dict[tuple[str, int], list[Entry]]:
    found: dict[tuple[str, int], list[Entry]] = {}
    for each in entries:
        found.setdefault((each.model, each.version), []).append(each)
    return found


def follow(records: Iterable[tuple[int, str]], chain: Chain | None = None) -> Chain:
    """Walk from entry to entry, in the order in which the store numbered them.

    Args:
        records: Number in the store, from 1 without gaps, and text of each entry, after those of `chain`.
        chain: What was followed before; default: nothing.
    """
    chain = chain or Chain()
    entries, lost, problems = list(chain.entries), dict(chain.lost), list(chain.problems)
    heads = {GENESIS: 0} | {entry.hash: length for length, entry in enumerate(entries, 1)}
    held, retired = stacks_of(entries), {(each.model, each.version) for each in chain.retirements}
    stored = chain.stored
    for number, text in sorted(records):
        problems += [f"entry {missing} is missing" for missing in range(stored + 1, number)]
        stored = number
        try:
            entry = Entry.from_json(text)
        except (ValueError, TypeError) as error:
            problems.append(f"entry {number} cannot be read ({error})")
            continue
        if heads.get(entry.prev) == len(entries):
            entries.append(entry)
            heads[entry.hash] = len(entries)
            problems += [f"entry {number} {lie}" for lie in _lies(entry, held, retired)]
            move(held, entry)
            retired |= {(entry.model, entry.version)} if entry.action == "retire" else set()
        elif entry.prev in heads:
            lost[number] = entry
        else:
            problems.append(f"entry {number} follows none in the log: one before it was changed or taken out")
    return Chain(tuple(entries), lost, tuple(problems), stored)


def _lies(entry: Entry, held: Stacks, retired: Collection[tuple[str, int]]) -> list[str]:
    """What an entry says of aliases that is not so, in words; at most one thing."""
    if entry.action == "retire":
        return _lies_of_retiring(entry, held)
    if entry.alias is None:
        return []
    what, stack = f"the {entry.alias} of {entry.model}", held.get((entry.model, entry.alias), [])
    before = stack[-1] if stack else None
    if entry.previous != before:
        return [f"says that {_named(entry.previous)} was {what}, which was {_named(before)}"]
    if entry.action == "rollback" and stack[-2:-1] != [entry.version]:
        return [f"says that {_named(entry.version)} was {what} before, which was not so"]
    if (entry.model, entry.version) in retired:
        return [f"makes {_named(entry.version)} {what}, which was retired before"]
    return []


def _lies_of_retiring(entry: Entry, held: Stacks) -> list[str]:
    own = {alias: stack for (model, alias), stack in held.items() if model == entry.model}
    said, moved = entry.facts.get("moved"), moved_by_retiring(own, entry.version)
    return [] if said == moved else [f"says that retiring {_named(entry.version)} moved {said}, where it moved {moved}"]


def _named(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
