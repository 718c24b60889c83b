"""Which pictures a model's weights know, so that it is not judged on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chromseg.errors import DataError, ModelError


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
        """What the block `seen` of a model's card says; a card without one leaves the model `name` unknown.

        Raises:
            ModelError: It is no such block.
        """
        if block is None:
            return cls(unknown=(name,))
        try:
            return cls.of(block["pictures"], block["tested"], block["unknown"])
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"the card of {name} with a block `seen` that cannot be read ({type(error).__name__}: {error})",
                expected="lists `pictures`, `tested` and `unknown`",
                remedy="copy the model folder again, or train the model again",
            ) from error

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


def refuse_seen(tested: Mapping[str, str], seen: Seen, model: str) -> None:
    """Refuse to judge a model on pictures that it or a parent knows; what is unknown is not refused.

    Args:
        tested: Hash of each test picture → what to call it.
        seen: What the model knows.
        model: What to call it.

    Raises:
        DataError: It knows one of them; the message names the first.
    """
    known = judged_on_seen(tested, seen)
    if known:
        raise DataError(
            f"{model}, or a model it started from or is built of, was trained on {len(known)} of the {len(tested)} "
            f"pictures it is to be judged on, {min(tested[each] for each in known)} first",
            expected="test pictures that nothing behind the model has seen",
            remedy="judge it on other cases, or train it, and what it starts from, without these",
        )
