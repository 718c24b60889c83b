"""Gates about the papers: data that passed validation, a model card that says what it must."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chromseg.registry.card.text import CARD, NOT_MEASURED, UNKNOWN, sections_of
from chromseg.registry.gates.gate import Gate, switched_off
from chromseg.registry.gates.policy import Policy
from chromseg.registry.versions.version import Version


def validation_gate(policy: Policy, version: Version) -> Gate:
    """The data it was trained and tested on passed validation."""
    if not policy.validation:
        return switched_off("data validation")
    words = {True: "passed", False: "failed", None: "not known"}[version.lineage.validation]
    return Gate("data validation", words, "passed", version.lineage.validation is True)


def card_gate(policy: Policy, folder: Path) -> Gate:
    """The model card has every section that is demanded, and none is empty."""
    if not policy.model_card:
        return switched_off("model card")
    file = folder / CARD
    missing = missing_sections(file.read_text(encoding="utf-8") if file.is_file() else "", policy.model_card)
    found = f"lacks {', '.join(missing)}" if missing else "complete"
    return Gate("model card", found, f"{len(policy.model_card)} sections, none empty", not missing)


def missing_sections(text: str, wanted: Sequence[str]) -> list[str]:
    """The second-level headings that are absent, say nothing or "not measured", or name data of unknown terms."""
    sections = sections_of(text)
    return [name for name in wanted if _says_nothing(sections.get(name, ""))]


def _says_nothing(section: str) -> bool:
    return not section or section.startswith(NOT_MEASURED) or UNKNOWN in section
