"""What a person reads in MLflow's pages of registered models, their versions and the audit log, as Markdown.

They repeat what the audit log and the model card say, for the eye alone: no code ever reads them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chromseg.registry.card.text import compose, sections_of
from chromseg.registry.log.entries import Entry
from chromseg.registry.log.stacks import aliases
from chromseg.registry.store.descriptions import FAMILIES

AUDIT_LOG = (
    "**Not a model.** Each version is one entry of the append-only audit log: who registered, promoted or rolled back "
    "which model, when and why, chained by hashes. Change nothing here; `chromseg-ops models verify-log` follows it."
)
_LIMIT = 5000  # characters: MLflow's database has room for no more
_FIRST = ("Intended use", "Test scores", "Limits")  # sections of the card that a description must not lose


def of_model(name: str, entries: Sequence[Entry]) -> str:
    """What a registered model is, and which version is its champion since when and why.

    Args:
        name: Registered model.
        entries: All of the log about it.
    """
    what = f"**{name}**" + (f": {FAMILIES[name]}" if name in FAMILIES else "")
    standing = [line for alias in ("champion", "challenger") if (line := _since(entries, alias))]
    return _cut("\n\n".join([what, *standing, "For research. Not for diagnosis."]))


def of_version(card: str, entries: Sequence[Entry], number: int) -> str:
    """Which aliases a version was given, whether it was retired, what the gates last said of it, and its card.

    Args:
        card: Its MODEL_CARD.md.
        entries: All of the log about its model.
        number: Of the version.
    """
    own = [entry for entry in entries if entry.version == number and (entry.alias or entry.action == "retire")]
    judged = next((entry for entry in reversed(own) if "gates" in entry.facts), None)
    return _fitting("\n\n".join([*map(_became, own), *([_gates(judged)] if judged else [])]), card)


def _since(entries: Sequence[Entry], alias: str) -> str:
    """Which version holds the alias since when and why; "" if none does."""
    held = aliases(entries).get(alias)
    if not held:
        return ""
    entry = next(entry for entry in reversed(entries) if (entry.alias, entry.version) == (alias, held[-1]))
    return f"{alias.capitalize()}: **version {entry.version}** since {_said(entry)}"


def _became(entry: Entry) -> str:
    if entry.action == "retire":
        return f"**Retired** on {_said(entry)}"
    how = {"force": ", although gates refused", "rollback": " again, by a rollback"}.get(entry.action, "")
    return f"Became **{entry.alias}**{how} on {_said(entry)}"


def _said(entry: Entry) -> str:
    return f"{entry.at[:10]} ({entry.by}: {entry.reason})"


def _gates(entry: Entry) -> str:
    lines = [f"Gates, asked on {entry.at[:10]}:\n", "| gate | found | demanded | |", "|---|---|---|---|"]
    return "\n".join(lines + [_gate(answer) for answer in entry.facts["gates"]])


def _gate(answer: Mapping[str, Any]) -> str:
    cells = [answer["name"], answer["measured"], answer["limit"], "passed" if answer["passed"] else "**refused**"]
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def _fitting(head: str, card: str) -> str:
    """Head and card, within the limit: the card loses whole sections from its end, never those of `_FIRST`."""
    sections = sections_of(card)
    whole = compose(_title(card), sections)
    text = f"{head}\n\n{whole}".strip()
    while len(text) > _LIMIT and (spare := [heading for heading in sections if heading not in _FIRST]):
        del sections[spare[-1]]
        text = f"{head}\n\n{compose(_title(card), sections)}\nThe whole card: `MODEL_CARD.md`, an artifact.".strip()
    return _cut(text)


def _title(card: str) -> str:
    return next(iter(card.splitlines()), "").removeprefix("# ").removeprefix("Model card: ")


def _cut(text: str) -> str:
    return text if len(text) <= _LIMIT else text[: _LIMIT - 2] + " …"
