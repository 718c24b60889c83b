"""Which pictures a model's weights know, so that it is not judged on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """The pictures behind a model, by `identity.pixel_hash`: of it, of what it started from, and of all its parents.

    Attributes:
        pictures: Those that trained it, or that an epoch or a threshold was chosen by; in order, each once.
        tested: The test pictures that its own pipeline judges it by; in order, each once.
        unknown: Whatever it started from that does not say what it has seen, such as models of older versions.
    """

    pictures: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, pictures: Iterable[str], tested: Iterable[str] = (), unknown: Iterable[str] = ()) -> Seen:
        """From pictures in any order, also repeated."""
        return cls(*(tuple(sorted(set(each))) for each in (pictures, tested, unknown)))

    @classmethod
    def from_card(cls, block: Mapping[str, Any] | None, name: str) -> Seen:
        """What the block `seen` of a model's card says; a card without one leaves the model `name` unknown."""
        if block is None:
            return cls(unknown=(name,))
        return cls.of(block["pictures"], block["tested"], block["unknown"])

    def to_card(self) -> dict[str, list[str]]:
        """The block `seen` of a model's card."""
        return {"pictures": list(self.pictures), "tested": list(self.tested), "unknown": list(self.unknown)}

    def sha256(self) -> str:
        """Of all it says; the lineage keeps it."""
        return hashlib.sha256(json.dumps(self.to_card()).encode()).hexdigest()

    def with_parents(self, *parents: Seen) -> Seen:
        """What a model knows that was built of others, or started from their weights; it is tested as it says."""
        everyone = (self, *parents)
        pictures = (picture for each in everyone for picture in each.pictures)
        return Seen.of(pictures, self.tested, (name for each in everyone for name in each.unknown))


def judged_on_seen(tested: Iterable[str], seen: Seen) -> list[str]:
    """Those of the test pictures that the model or a parent knows, in order: it must not be judged on them.

    An empty list is an acquittal only where `seen.unknown` is empty too.
    """
    return sorted(set(tested) & set(seen.pictures))
