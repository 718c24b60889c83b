"""Where aliases stand by the audit log's entries, and where they stood before; pure, no store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from chromseg.registry.log.entries import Entry

Stacks = dict[tuple[str, str], list[int]]  # by model and alias: the versions it stands on, its present one last


def aliases(entries: Iterable[Entry]) -> dict[str, list[int]]:
    """Of one model: alias → the versions it stands on, its present one last.

    A promotion adds one, a rollback takes the last, a retirement takes its version wherever it stands.
    """
    return {alias: stack for (_, alias), stack in stacks_of(entries).items()}


def moved_by_retiring(held: Mapping[str, list[int]], version: int) -> dict[str, list[int | None]]:
    """Alias → the version it stands on, which is the one to retire, and the one it falls back to, None for none.

    Args:
        held: `aliases` of the model.
        version: The one to retire.
    """
    own = {alias: _without(stack, version) for alias, stack in held.items() if stack[-1:] == [version]}
    return {alias: [version, left[-1] if left else None] for alias, left in own.items()}


def stacks_of(entries: Iterable[Entry]) -> Stacks:
    """The stacks of all models after these entries."""
    held: Stacks = {}
    for entry in entries:
        move(held, entry)
    return held


def move(held: Stacks, entry: Entry) -> None:
    """Change the stacks in place as an entry says."""
    if entry.action == "retire":
        held |= {key: _without(stack, entry.version) for key, stack in held.items() if key[0] == entry.model}
    elif entry.alias is not None:
        stack = held.setdefault((entry.model, entry.alias), [])
        if entry.action == "rollback":
            del stack[-1:]
        else:
            stack.append(entry.version)


def _without(stack: list[int], version: int) -> list[int]:
    """The stack without a version; what stood below and above it stands there once, lest a rollback lead nowhere."""
    return [each for each, _ in groupby(each for each in stack if each != version)]
