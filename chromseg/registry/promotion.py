"""Aliases: which version is the champion, who decided so, when and why, and the way back.

MLflow keeps no history of its aliases, so each change is written as a tag of the version it favours, before the alias
moves: a process killed between the two leaves a decision that can be repeated, never a change without a record.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from chromseg.errors import RegistryError
from chromseg.registry.actor import current_actor
from chromseg.registry.backend import MlflowClient
from chromseg.registry.references import all_versions, find_version, known_aliases, parse_reference
from chromseg.registry.store import open_store, translated
from chromseg.registry.versions import read_version, timestamp

ALIASES = ("champion", "challenger")
_TAG = "history."


@dataclass(frozen=True)
class Event:
    """Something that happened to a registered model.

    Attributes:
        at: When, UTC, ISO 8601.
        action: What happened.
        version: The version it favours.
        alias: The alias that moved; None for a registration.
        previous: The version the alias left; None if it is new or for a registration.
        by: Who.
        reason: Why; for a registration what was waived, else "".
    """

    at: str
    action: Literal["register", "promote", "rollback"]
    version: int
    alias: str | None
    previous: int | None
    by: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def promote(reference: str, *, reason: str, alias: str = "champion", by: str | None = None) -> Event:
    """Point `alias` at the version meant by `reference`.

    Args:
        reference: `NAME/VERSION`, or `NAME@ALIAS` (say, the challenger).
        reason: Why; kept.
        alias: One of `ALIASES`.
        by: Who; default: `current_actor()`.

    Raises:
        RegistryError: Unknown version or alias, no reason, nobody's name, or it is so already.
    """
    _check_alias(alias)
    client, wanted = open_store(), parse_reference(reference)
    version = read_version(client, find_version(client, wanted))
    current = known_aliases(client, version.name).get(alias)
    if current == version.number:
        raise RegistryError(
            f"{version.name}/{version.number} is the {alias} already",
            expected="another version",
            remedy=f"see `chromseg-ops models list {version.name}`",
        )
    event = Event(
        timestamp(), "promote", version.number, alias, current, by or current_actor(), _checked_reason(reason)
    )
    _carry_out(client, version.name, event)
    return event


def rollback(name: str, *, reason: str, alias: str = "champion", by: str | None = None) -> Event:
    """Point `alias` at the version it had before its last promotion; again, and it goes back one more.

    Raises:
        RegistryError: There is no earlier version, no reason, or nobody's name.
    """
    _check_alias(alias)
    client = open_store()
    current = known_aliases(client, name).get(alias)
    held = _held(history(name), alias, current)
    if current is None or len(held) < 2 or held[-1] != current:
        raise RegistryError(
            f"no earlier {alias} of {name} on record" + (f" than version {current}" if current else ""),
            expected="an alias that was promoted at least twice",
            remedy=f"promote the version you want: `chromseg-ops models promote {name}/VERSION --alias {alias}`",
        )
    event = Event(timestamp(), "rollback", held[-2], alias, current, by or current_actor(), _checked_reason(reason))
    _carry_out(client, name, event)
    return event


def history(name: str) -> list[Event]:
    """Registrations, promotions and rollbacks of one model, oldest first.

    Raises:
        RegistryError: There is no such model.
    """
    client = open_store()
    known_aliases(client, name)
    events = []
    for version in all_versions(client, name):
        events += [Event(**json.loads(value)) for key, value in version.tags.items() if key.startswith(_TAG)]
        if "registered_by" in version.tags:
            waived = "code not committed (--allow-dirty)" if version.tags["allow_dirty"] == "true" else ""
            at, by = version.tags["registered_at"], version.tags["registered_by"]
            events.append(Event(at, "register", int(version.version), None, None, by, waived))
    return sorted(events, key=lambda event: event.at)


def _held(events: list[Event], alias: str, current: int | None) -> list[int]:
    """The versions an alias stands on, last on top: a promotion puts one there, a rollback takes one away.

    An event that the next one (or the alias itself) knows nothing of was killed before the alias moved: it is left out.
    """
    held: list[int] = []
    before = held
    for event in events:
        if event.alias != alias:
            continue
        if held[-1:] != ([] if event.previous is None else [event.previous]):
            held = before
        before = held
        held = [*held, event.version] if event.action == "promote" else held[:-1]
    return held if held[-1:] == [current] else before


def _carry_out(client: MlflowClient, name: str, event: Event) -> None:
    with translated(f"{event.alias} of {name} cannot be moved"):
        client.set_model_version_tag(name, str(event.version), _TAG + event.at, json.dumps(event.to_dict()))
        client.set_registered_model_alias(name, event.alias, str(event.version))


def _check_alias(alias: str) -> None:
    if alias not in ALIASES:
        raise RegistryError(f"alias {alias!r}", expected=" or ".join(ALIASES), remedy="choose one of them")


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise RegistryError("an empty reason", expected="why the alias moves", remedy="say it: --reason TEXT")
    return reason.strip()
