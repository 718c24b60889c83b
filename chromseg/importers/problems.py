"""What could not be read: all of it is said, and either the import fails or the user has agreed to leave it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from chromseg.errors import DataError
from chromseg.importers.source import ImportedImage, ImportedSet, natural_key

_SHOWN = 20


class UnreadableSourceError(DataError):
    """Files of a source cannot be imported; `problems` says what is wrong with each."""

    problems: tuple[DataError, ...] = ()


def readable(found: ImportedSet, src: Path, skip_bad: bool, tell: Callable[[str], None]) -> list[ImportedImage]:
    """The images in natural order, without those that have problems.

    Args:
        found: What an importer read.
        src: Where, for messages.
        skip_bad: Leave out what has problems, and say each.
        tell: Called with each message.

    Raises:
        UnreadableSourceError: There are problems and they are not to be skipped, or nothing would be left. The first
            `tell` has got 20 of them.
        DataError: The only file has a problem, or there is nothing at all.
    """
    problems = [*found.problems, *_duplicate_names(found.images)]
    images = sorted(_first_of_each_name(found.images), key=lambda image: natural_key(image.name))
    if problems and (not skip_bad or not images):
        raise _all_problems(problems, src, len(images), tell)
    for problem in problems:
        tell(f"left out: {problem}")
    if problems:
        tell(f"{len(problems)} left out, {len(images)} images kept")
    if not images:
        raise DataError(f"no image in {src}", expected="at least one", remedy="correct the path or the format")
    return images


def _first_of_each_name(images: Iterable[ImportedImage]) -> list[ImportedImage]:
    by_stem: dict[str, ImportedImage] = {}
    for image in images:
        by_stem.setdefault(image.stem, image)
    return list(by_stem.values())


def _duplicate_names(images: Iterable[ImportedImage]) -> list[DataError]:
    """A problem for each image whose name, suffix aside, another has before it: maps and results go by that name."""
    seen: set[str] = set()
    problems = []
    for image in images:
        if image.stem in seen:
            problems.append(
                DataError(
                    f"{image.name}: an image of this name a second time",
                    expected="one image and one annotation a name",
                    remedy="rename or remove one of them",
                )
            )
        seen.add(image.stem)
    return problems


def _all_problems(problems: list[DataError], src: Path, usable: int, tell: Callable[[str], None]) -> DataError:
    """Tell the first 20 problems; the error names the first and counts the rest. One problem alone is its own error."""
    first, *others = problems
    mend = "correct them, or add --skip-bad to leave them out" if usable else "correct them"
    if not others:
        return DataError(
            first.got, expected=first.expected, remedy=f"{first.remedy}{', or add --skip-bad' * bool(usable)}"
        )
    for problem in problems[:_SHOWN]:
        tell(f"problem: {problem}")
    if len(problems) > _SHOWN:
        tell(f"… and {len(problems) - _SHOWN} more problems")
    error = UnreadableSourceError(
        f"{len(problems)} problems in {src.name}, the first: {first.got}", expected=first.expected, remedy=mend
    )
    error.problems = tuple(problems)
    return error
