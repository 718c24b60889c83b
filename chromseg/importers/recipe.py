"""How a set is made of its source: its card keeps that, so that the next version is made alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from chromseg.annotations.dataset import DatasetCard
from chromseg.annotations.splits import Shares
from chromseg.errors import DataError
from chromseg.importers.source import ImportOptions


@dataclass(frozen=True)
class Recipe:
    """The options of an import, besides the words that stand on the card anyway.

    Attributes:
        invert: Whether the declared or estimated polarity is turned round.
        case_regex: Where in an image's path its case stands; None: as the format has it.
        split: Shares of train, val and test for cases without a split; None: the source's split, or 6:2:2.
        options: How the source is read.
    """

    invert: bool = False
    case_regex: str | None = None
    split: Shares | None = None
    options: ImportOptions = field(default_factory=ImportOptions)

    def to_card(self) -> dict[str, Any]:
        """The block `options` of a card: what differs from the defaults."""
        plain, usual = (_flat(each) for each in (self, Recipe()))
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in plain.items()
            if value != usual[key]
        }

    @classmethod
    def from_card(cls, card: DatasetCard) -> Recipe:
        """The recipe of a set.

        Raises:
            DataError: The card holds options of another kind.
        """
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in card.options.items()
        }
        unknown = values.keys() - _flat(cls()).keys()
        if unknown:
            raise DataError(
                f"option {', '.join(sorted(map(str, unknown)))} in dataset.yaml of {card.name}",
                expected=f"one of {', '.join(_flat(cls()))}",
                remedy="correct the card, or update with the software that wrote it",
            )
        return _unflattened(_flat(cls()) | values)

    def over(self, kept: Recipe) -> Recipe:
        """This recipe, completed by one that was kept: what is given here counts, all else is as it was."""
        given = {key: value for key, value in _flat(self).items() if value != _flat(Recipe())[key]}
        if self.options.polarity is not None:
            given["invert"] = self.invert  # a declared polarity is not turned round by what was said of another
        return _unflattened(_flat(kept) | given)


def _flat(recipe: Recipe) -> dict[str, Any]:
    values: dict[str, Any] = asdict(recipe)
    options = values.pop("options")
    return {**values, **options}


def _unflattened(values: dict[str, Any]) -> Recipe:
    own = {key: values.pop(key) for key in ("invert", "case_regex", "split")}
    return Recipe(**own, options=ImportOptions(**values))
