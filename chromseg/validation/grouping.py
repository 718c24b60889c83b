"""Facts that only show between images, of one dataset or of several: a case in two splits, a picture there twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy.typing as npt

from chromseg.annotations.copies import Thumbnail, find_look_alikes, thumbnail
from chromseg.annotations.identity import pixel_hash
from chromseg.validation.facts import Facts

GROUP_FACTS = (
    "other_split_of_case",
    "copy_in_other_split",
    "copy_in_split",
    "copy_in_other_set",
    "look_alike_in_other_split",
)


@dataclass(frozen=True)
class Likeness:
    """What is kept of an image's pixels to find it again; nothing of one that could not be read."""

    digest: str | None = None
    thumbnail: Thumbnail | None = None


def look_at(grey: npt.NDArray[Any]) -> Likeness:
    """The look of one page (H, W)."""
    return Likeness(pixel_hash(grey), thumbnail(grey))


def add_group_facts(images: list[Facts], looks: list[Likeness], look_alike: float) -> None:
    """Add `GROUP_FACTS` to image rows with `dataset`, `cases_of`, `file`, `case_id` and `split`.

    Each names what the image is in conflict with, or is None: of every pair, the later image names the earlier one.

    Args:
        images: Rows of the image tables of all datasets that are used together, in their order; changed in place.
        looks: Of each image.
        look_alike: Correlation of thumbnails from which two pictures are taken for one.
    """
    for row in images:
        row |= dict.fromkeys(GROUP_FACTS)
    _add_cases(images)
    copies = _same_pixels(looks)
    for first, second in sorted(copies):
        one, other = images[first], images[second]
        where = "copy_in_split" if one["dataset"] == other["dataset"] else "copy_in_other_set"
        other[where if one["split"] == other["split"] else "copy_in_other_split"] = _name(one, other)
    for first, second in find_look_alikes([look.thumbnail for look in looks], look_alike):
        one, other = images[first], images[second]
        if one["split"] != other["split"] and (first, second) not in copies:
            other["look_alike_in_other_split"] = _name(one, other)


def _add_cases(images: list[Facts]) -> None:
    """A case belongs to the split of its first image; equal numbers of two sets are two cases, of a laid one not."""
    first_of: dict[tuple[str, str], Facts] = {}
    for row in images:
        first = first_of.setdefault((row["cases_of"], row["case_id"]), row)
        if first["split"] != row["split"]:
            row["other_split_of_case"] = _name(first, row)


def _same_pixels(looks: list[Likeness]) -> set[tuple[int, int]]:
    found = defaultdict(list)
    for index, look in enumerate(looks):
        if look.digest is not None:
            found[look.digest].append(index)
    return {pair for indices in found.values() for pair in combinations(indices, 2)}


def _name(row: Facts, later: Facts) -> str:
    """How the image `later` names an earlier one: with its dataset, if that is another too."""
    file = row["file"] if row["dataset"] == later["dataset"] else f"{row['dataset']}/{row['file']}"
    return f"{file} ({row['split']}, case {row['case_id']})"
