"""The text of a model card: sections under headings. Needs no PyTorch, as the rest of the registry's reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

CARD, PAGE, FAILURES = "MODEL_CARD.md", "MODEL_CARD.html", "failures"
UNKNOWN = "its terms are not at hand"  # of a dataset; makes a card incomplete
NOT_MEASURED = "Not measured"  # a section that begins so is incomplete too


def compose(title: str, sections: Mapping[str, str]) -> str:
    """Markdown of a title and sections by heading."""
    parts = [f"# Model card: {title}", *(f"## {heading}\n\n{text.strip()}" for heading, text in sections.items())]
    return "\n\n".join(parts) + "\n"


def table(rows: Mapping[str, str]) -> str:
    """A Markdown table of two columns without headings."""
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def sections_of(text: str) -> dict[str, str]:
    """Second-level heading → text, of a Markdown card."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {heading.strip(): body.strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def card_of(folder: Path) -> str:
    """The model card in a folder; "" if there is none."""
    return (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).is_file() else ""
