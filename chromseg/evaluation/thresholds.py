"""What is chosen on validation images by what would then be handed out: scores of detectors, probabilities of maps."""

from __future__ import annotations

from collections.abc import Sequence

from chromseg.annotations.index import dataset_of_case
from chromseg.metrics import InstanceScore


def best_threshold(images: Sequence[Sequence[InstanceScore]]) -> int:
    """Index of the threshold with the best F1: of what is handed out, and of what is there, how much matches.

    Args:
        images: Of each image a score for each threshold, ascending; of equally good ones the first is taken. 0 without
            images.
    """
    return max(range(len(images[0]) if images else 1), key=lambda index: f1([each[index] for each in images]))


def f1(images: Sequence[InstanceScore]) -> float:
    """F1 of what is handed out: twice the matches over what is handed out and what is there.

    Of images of several datasets the mean of each one's own, so that no stain is chosen against because it has few.
    """
    by_set: dict[str, list[InstanceScore]] = {}
    for image in images:
        by_set.setdefault(dataset_of_case(image.case_id), []).append(image)
    return sum(_f1(own) for own in by_set.values()) / max(1, len(by_set))


def _f1(images: Sequence[InstanceScore]) -> float:
    matched = sum(int(image.recovered.sum()) for image in images)
    return 2 * matched / max(1, sum(image.count + image.recovered.size for image in images))
