"""Entries of the audit log, each with the hash of the one before it; pure, no store."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

GENESIS = "0" * 64  # what stands before the first entry
Action = Literal["register", "promote", "force", "rollback", "import", "trial", "retire", "repair", "evaluate"]
ADMITS: tuple[Action, ...] = ("register", "import")  # bring a version in
PROMOTES: tuple[Action, ...] = ("promote", "force")


@dataclass(frozen=True)
class Entry:
    """Something that happened to a registered model.

    Attributes:
        at: When, UTC, ISO 8601.
        by: Who.
        action: What happened; `force` is a promotion that gates had refused, `retire` takes a version out of use for
            good and off every alias, `repair` tells that MLflow showed another alias than the log had decided,
            `evaluate` what a version was measured to score.
        model: Registered model.
        version: The version it favours.
        alias: The alias that moved; None where none did.
        previous: The version the alias left; None if it is new.
        reason: Why; where a version came in what was waived, of a trial what went wrong, else "".
        facts: What the decision stood on: hashes of what came in, or the gates' results; of a trial what it gave.
        prev: Hash of the entry before.
    """

    at: str
    by: str
    action: Action
    model: str
    version: int
    alias: str | None = None
    previous: int | None = None
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    prev: str = GENESIS

    @cached_property
    def hash(self) -> str:
        """SHA-256 of its text; asked for again whenever the log is read."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """The one text that is stored and hashed."""
        return self._text

    @cached_property
    def _text(self) -> str:
        return canonical({each.name: getattr(self, each.name) for each in fields(self)})

    @staticmethod
    def from_json(text: str) -> Entry:
        """Read `to_json` back.

        Raises:
            ValueError: It is not the text of an entry.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.keys() != {each.name for each in fields(Entry)}:
            raise ValueError("not the fields of an entry")
        entry = Entry(**values)
        if entry.to_json() != text:
            raise ValueError("not the text this entry would be stored as")
        return entry


def canonical(value: Any) -> str:
    """JSON in one fixed form, so that equal values have equal hashes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def timestamp() -> str:
    """Now, in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
