"""Which case each image comes from, and which cases hold the same metaphase."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from chromseg.annotations.scenes import same_scenes
from chromseg.errors import DataError
from chromseg.importers.folders import SPLIT_FOLDERS
from chromseg.importers.source import ImportedImage, natural_key

_SHOWN = 5


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


def find_groups(images: list[ImportedImage], cases: list[str], tell: Callable[[str], None]) -> list[tuple[str, ...]]:
    """The cases that belong together, each time because pictures of them show one metaphase.

    Returns:
        Groups of two or more cases, in natural order inside.
    """
    scenes = same_scenes(image.grey() for image in images)
    groups = _joined(cases, scenes)
    for group in groups[:_SHOWN]:
        one, other = _example(group, images, cases, scenes)
        tell(f"cases {', '.join(group)} hold the same metaphase ({one} and {other}): one group, one split")
    if len(groups) > _SHOWN:
        tell(f"… and {len(groups) - _SHOWN} more groups of cases that hold the same metaphase")
    return groups


def _joined(cases: Sequence[str], scenes: Sequence[int]) -> list[tuple[str, ...]]:
    """Cases joined by scenes that they share, and by cases that share scenes with both."""
    group_of = {case: {case} for case in cases}
    of_scene: dict[int, str] = {}
    for case, scene in zip(cases, scenes, strict=True):
        first = of_scene.setdefault(scene, case)
        if group_of[first] is not group_of[case]:
            group_of[first] |= group_of[case]
            group_of |= dict.fromkeys(group_of[case], group_of[first])
    found = {id(group): group for group in group_of.values() if len(group) > 1}
    return [tuple(sorted(group, key=natural_key)) for group in found.values()]


def _example(
    group: tuple[str, ...], images: list[ImportedImage], cases: list[str], scenes: list[int]
) -> tuple[str, str]:
    """Two pictures of different cases of a group that show one scene."""
    shown: dict[int, list[int]] = defaultdict(list)
    for index, (case, scene) in enumerate(zip(cases, scenes, strict=True)):
        if case in group:
            shown[scene].append(index)
    pairs = ((one, other) for one, *others in shown.values() for other in others if cases[one] != cases[other])
    first, second = next(pairs)
    return images[first].name, images[second].name


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
