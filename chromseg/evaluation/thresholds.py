"""What is chosen on validation images by what would then be handed out: scores of detectors, probabilities of maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from chromseg.annotations.index import dataset_of_case
from chromseg.metrics import InstanceScore

SPARED = 0.88  # of the right outlines of every stain that must not be doubted

T = TypeVar("T")


def best_threshold(images: Sequence[Sequence[InstanceScore]]) -> int:
    """Index of the threshold with the best F1: of what is handed out, and of what is there, how much matches.

    Args:
        images: Of each image a score for each threshold, ascending; of equally good ones the first is taken. 0 without
            images.
    """
    return max(range(len(images[0]) if images else 1), key=lambda index: f1([each[index] for each in images]))


def least_toil(images: Sequence[Sequence[InstanceScore]]) -> int:
    """Index of the threshold with the least toil. Arguments as of `best_threshold`."""
    return min(range(len(images[0]) if images else 1), key=lambda index: toil([each[index] for each in images]))


def highest_sparing(images: Sequence[Sequence[InstanceScore]], least: int, share: float) -> int:
    """Index of the highest threshold that keeps a share of the matches of every dataset.

    Args:
        images: As of `best_threshold`.
        least: Index of the threshold whose matches count.
        share: 0–1.
    """
    sets = _by_dataset(images, lambda each: each[0].case_id)

    def spares(index: int) -> bool:
        return all(
            _matched([each[index] for each in own]) >= share * _matched([each[least] for each in own]) for own in sets
        )

    return max(index for index in range(least, len(images[0])) if spares(index))


def f1(images: Sequence[InstanceScore]) -> float:
    """F1 of what is handed out: twice the matches over what is handed out and what is there.

    Of images of several datasets the mean of each one's own, so that no stain is chosen against because it has few.
    """
    sets = _by_dataset(images, lambda image: image.case_id)
    return sum(map(_f1, sets)) / max(1, len(sets))


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
