"""The next version of a set that is there: made as the set was made, of a source that has grown."""

from __future__ import annotations

from collections.abc import Callable

from chromseg.annotations.dataset import Dataset
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.importers.recipe import Recipe
from chromseg.importers.source import ImportedImage


def next_recipe(given: Recipe, old: Dataset, format: str, tell: Callable[[str], None]) -> Recipe:
    """What is given, completed by what the card says.

    Raises:
        DataError: The set came in another format, or its cases would be named by another expression.
    """
    if format != old.card.importer:
        raise DataError(
            f"an update of {old.card.name} in format {format}",
            expected=f"{old.card.importer}, as it was imported",
            remedy="correct the format, or import a set of another name",
        )
    kept = Recipe.from_card(old.card)
    if not old.card.options:
        tell(f"the card of {old.card.name} names no options: as usual, or as given now")
    elif given.case_regex not in (None, kept.case_regex):
        raise DataError(
            f"--case-regex {given.case_regex!r} for the next version of {old.card.name}",
            expected=f"{kept.case_regex!r}, as its card says" if kept.case_regex else "none, as on its card",
            remedy="leave it out, or import a set of another name: other cases would have other splits",
        )
    return given.over(kept)


def check_next(images: list[ImportedImage], polarity: Polarity, old: Dataset) -> None:
    """Refuse a source that is not the next version of this set.

    Raises:
        DataError: It holds none of the pictures, or of another polarity.
    """
    known = {image.file_name for image in old.images}
    if known and not any(image.name in known for image in images):
        raise DataError(
            f"none of the {len(known)} pictures of {old.card.name} in the source",
            expected="the whole next version: old pictures and new ones",
            remedy="put them together, or import the new ones as a set of another name",
        )
    if polarity != old.card.polarity:
        raise DataError(
            f"a source that is {polarity}",
            expected=f"{old.card.polarity}, as {old.card.name} is",
            remedy=f"say --polarity {old.card.polarity} if it is, or import a set of another name",
        )
