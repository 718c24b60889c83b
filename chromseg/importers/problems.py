"""What could not be read: all of it is said, and either the import fails or the user has agreed to leave it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from chromseg.errors import DataError
from chromseg.importers.source import ImportedImage, ImportedSet, natural_key

_SHOWN = 20


def readable(found: ImportedSet, src: Path, skip_bad: bool, tell: Callable[[str], None]) -> list[ImportedImage]:
    """The images in natural order, or an error that lists what is wrong."""
    problems = [*found.problems, *_duplicate_names(found.images)]
    images = sorted(_first_of_each_name(found.images), key=lambda image: natural_key(image.name))
    if problems and (not skip_bad or not images):
        raise _all_problems(problems, src, usable=len(images))
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


def _all_problems(problems: list[DataError], src: Path, usable: int) -> DataError:
    if len(problems) == 1 and usable == 0:
        return problems[0]
    lines = [f"  {problem.got} (expected {problem.expected}; {problem.remedy})" for problem in problems]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"  … and {len(lines) - _SHOWN} more"]
    remedy = "correct them, or add --skip-bad to leave them out" if usable else "correct them"
    return DataError(
        f"{len(problems)} problem{'s' * (len(problems) > 1)} in {src.name}:\n" + "\n".join(lines) + "\n",
        expected="every image readable and annotated",
        remedy=remedy,
    )
