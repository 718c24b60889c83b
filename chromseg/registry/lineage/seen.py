"""What a model has seen, in its card and in its lineage: one is the hash of the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chromseg.annotations.seen import Seen
from chromseg.errors import LineageError
from chromseg.registry.lineage.lineage import Lineage

if TYPE_CHECKING:
    from chromseg.models.package import ModelCard


def check_seen(folder: Path, card: ModelCard, lineage: Lineage) -> None:
    """Refuse a model whose card names other pictures than its lineage vouches for; of an older one, neither speaks.

    Raises:
        LineageError: The block `seen` was taken out, put in or changed.
    """
    stated = None if card.seen is None else Seen.from_card(card.seen, folder.name).sha256()
    if stated != lineage.seen_sha256:
        raise LineageError(
            f"{folder} whose card says of the pictures it has seen {_short(stated)}",
            expected=f"{_short(lineage.seen_sha256)}, as its lineage does",
            remedy="copy the model folder again as training left it, or train the model again",
        )


def _short(sha256: str | None) -> str:
    return "nothing" if sha256 is None else f"SHA-256 {sha256[:12]}…"
