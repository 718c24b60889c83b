"""What is chosen on validation images by what would then be handed out: scores of detectors, probabilities of maps."""

from __future__ import annotations

from collections.abc import Sequence

from chromseg.metrics import InstanceScore


def best_threshold(images: Sequence[Sequence[InstanceScore]]) -> int:
    """Index of the threshold with the best F1: of what is handed out, and of what is there, how much matches.

    Args:
        images: Of each image a score for each threshold, ascending; of equally good ones the first is taken. 0 without
            images.
    """
    return max(range(len(images[0]) if images else 1), key=lambda index: f1([each[index] for each in images]))


def f1(images: Sequence[InstanceScore]) -> float:
    """F1 of what is handed out of all images: twice the matches over what is handed out and what is there."""
    matched = sum(int(image.recovered.sum()) for image in images)
    return 2 * matched / max(1, sum(image.count + image.recovered.size for image in images))
