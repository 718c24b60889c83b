"""What is chosen on validation images by what would then be handed out: scores of detectors, probabilities of maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from chromseg.annotations.index import dataset_of_case
from chromseg.metrics import InstanceScore

SPARED = 0.88  # of the right outlines of every stain that must not be doubted

T = TypeVar("T")


def least_costly(
    images: Sequence[Sequence[InstanceScore]], cost: Callable[[Sequence[InstanceScore]], float]
) -> tuple[int, float]:
    """Index of the threshold whose results cost the least, and that cost.

    Args:
        images: Of each image a score for each threshold, ascending; of equally good ones the first is taken. Index 0
            without images.
        cost: Of the results of all images at one threshold, such as `toil` or `error`.
    """
    costs = [cost(scores) for scores in zip(*images, strict=True)] or [cost([])]
    index = costs.index(min(costs))
    return index, costs[index]


def highest_sparing(images: Sequence[Sequence[InstanceScore]], least: int, share: float) -> int:
    """Index of the highest threshold that keeps a share of the matches of every dataset.

    Args:
        images: As of `least_costly`.
        least: Index of the threshold whose matches count.
        share: 0–1.
    """
    sets = _by_dataset(images, lambda each: each[0].case_id)

    def spares(index: int) -> bool:
        return all(
            _matched([each[index] for each in own]) >= share * _matched([each[least] for each in own]) for own in sets
        )

    return max(index for index in range(least, len(images[0])) if spares(index))


def error(images: Sequence[InstanceScore]) -> float:
    """What F1 lacks to 1, of what is handed out and what is there; 1 where nothing matches.

    Of images of several datasets the mean of each one's own, so that no stain is chosen against because it has few.
    """
    sets = _by_dataset(images, lambda image: image.case_id)
    return 1 - sum(map(_f1, sets)) / max(1, len(sets))


def toil(images: Sequence[InstanceScore]) -> float:
    """What a person has to mend of what is handed out, per image: its edits, and by how much its count is off.

    Edits alone hardly tell a threshold from the next: a chromosome that is handed out with a poor outline has to be
    drawn as one that is missing has, but it is counted and seen. Of several datasets the mean of each one's own.
    """
    sets = _by_dataset(images, lambda image: image.case_id)
    own = [np.mean([image.edits + abs(image.count - image.recovered.size) for image in each]) for each in sets]
    return float(sum(own)) / max(1, len(own))


def _by_dataset(images: Iterable[T], case_of: Callable[[T], str]) -> list[list[T]]:
    """The images of each dataset together."""
    sets: dict[str, list[T]] = {}
    for image in images:
        sets.setdefault(dataset_of_case(case_of(image)), []).append(image)
    return list(sets.values())


def _f1(images: Sequence[InstanceScore]) -> float:
    return 2 * _matched(images) / max(1, sum(image.count + image.recovered.size for image in images))


def _matched(images: Iterable[InstanceScore]) -> int:
    return sum(int(image.recovered.sum()) for image in images)
