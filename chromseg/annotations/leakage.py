"""One case, and one metaphase, in one split: across all datasets of a profile, whatever the files are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chromseg.errors import DataError


@dataclass(frozen=True)
class Placed:
    """One picture, or one sample of it, and where it stands.

    Attributes:
        name: What to call it: `<dataset>/<file>` say.
        case_id: `<dataset>/<case>`.
        split: train, val or test.
        scene: What it shows; copies and look-alikes show the same.
    """

    name: str
    case_id: str
    split: str
    scene: str

    def __str__(self) -> str:
        return f"{self.name} ({self.split}, case {self.case_id})"


def in_two_splits(placed: Iterable[Placed]) -> list[tuple[Placed, Placed]]:
    """Whatever has its case or its scene in the split of another one: (that one, it), in the order given."""
    first_of: dict[tuple[str, str], Placed] = {}
    found = []
    for each in placed:
        firsts = [first_of.setdefault(key, each) for key in (("case", each.case_id), ("scene", each.scene))]
        found += [(first, each) for first in dict.fromkeys(firsts) if first.split != each.split]
    return found


def refuse_leaks(placed: Iterable[Placed], remedy: str) -> None:
    """Refuse pictures of which a case or a scene is in two splits.

    Args:
        placed: All of them.
        remedy: What the user can do about it.

    Raises:
        DataError: There is one; the message names the first two and how many more there are.
    """
    found = in_two_splits(placed)
    if not found:
        return
    first, second = found[0]
    same = "the case" if first.case_id == second.case_id else "the metaphase"
    more = f", and {len(found) - 1} more such pairs" if len(found) > 1 else ""
    raise DataError(
        f"{second} shows {same} of {first}{more}",
        expected="each case and each metaphase in one split, in all datasets of a profile together",
        remedy=remedy,
    )
