"""Which case each image comes from, and which split each case goes to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from chromseg.annotations.splits import SPLITS, assign_splits
from chromseg.errors import DataError
from chromseg.importers.folders import SPLIT_FOLDERS
from chromseg.importers.source import ImportedImage


def find_cases(
    images: list[ImportedImage], wanted: str | None, usual: str | None, tell: Callable[[str], None]
) -> list[str]:
    """The case of each image: by the user's expression, the source, or the format's usual way, in this order."""
    if wanted is not None:
        return _cases_by(_compiled(wanted), images)
    cases, alone = [], 0
    for image in images:
        found = re.search(usual, _case_name(image)) if usual else None
        case = image.case_id or (found.group(1) if found else None)
        alone += case is None
        cases.append(case or _case_name(image))
    if alone:
        tell(f"{alone} of {len(images)} images without a known case: each counts as a case of its own (--case-regex)")
    return cases


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"--case-regex {pattern!r} ({error})", expected="a regular expression", remedy="correct it"
        ) from error
    if compiled.groups < 1:
        raise DataError(
            f"--case-regex {pattern!r} without a group",
            expected="the case in a first group, say 'case(\\d+)_'",
            remedy="put the part that is the case in parentheses",
        )
    return compiled


def _cases_by(pattern: re.Pattern[str], images: list[ImportedImage]) -> list[str]:
    found = [pattern.search(_case_name(image)) for image in images]
    unfit = [image.name for image, match in zip(images, found, strict=True) if match is None or not match.group(1)]
    if unfit:
        raise DataError(
            f"--case-regex {pattern.pattern!r} does not fit {len(unfit)} of {len(images)} images, {unfit[0]} first",
            expected="a case in every image's path",
            remedy="widen the expression",
        )
    return [match.group(1) for match in found if match is not None]


def _case_name(image: ImportedImage) -> str:
    """Its path without suffix, and without a leading split folder, so that one case cannot hide in two splits."""
    parts = PurePosixPath(image.stem).parts
    return "/".join(parts[1:] if len(parts) > 1 and parts[0].lower() in SPLIT_FOLDERS else parts)


def find_splits(
    name: str,
    images: list[ImportedImage],
    cases: list[str],
    shares: tuple[float, float, float] | None,
    tell: Callable[[str], None],
) -> list[str]:
    """The split of each image: by the user's shares of the cases, else as the source has it, else 6:2:2 by case.

    Raises:
        DataError: The source has a split for some images only.
    """
    brought = [image.split for image in images]
    if shares is None and any(brought):
        if None in brought:
            raise DataError(
                f"{brought.count(None)} of {len(images)} images without a split, "
                f"{images[brought.index(None)].name} first",
                expected="a split for all images or for none",
                remedy="complete the source's split, or cut a new one with --split 60/20/20",
            )
        tell("split kept as the source brings it")
        return [split for split in brought if split is not None]
    by_case = assign_splits(name, cases, shares or (0.6, 0.2, 0.2))
    empty = [split for split in SPLITS if split not in by_case.values()]
    if empty:
        tell(f"{len(by_case)} cases are too few to fill {', '.join(empty)}")
    return [by_case[case] for case in cases]
