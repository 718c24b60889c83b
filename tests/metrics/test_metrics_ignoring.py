"""Which predictions count beside pixels that are to be ignored."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.errors import MaskError
from chromseg.metrics import counted_boxes, counted_masks, score_instances, summarize_instances


def bar(row: int, col: int, height: int = 10, width: int = 20) -> np.ndarray:
    mask = np.zeros((60, 60), dtype=bool)
    mask[row : row + height, col : col + width] = True
    return mask


KNOWN, IGNORED = bar(5, 5), bar(40, 0, 20, 60)
CASES = {
    "the known one": (5, True),
    "invented where all is known": (20, True),
    "half on ignored pixels": (35, True),
    "six rows of ten on ignored pixels": (36, False),
    "wholly on ignored pixels": (45, False),
}


@pytest.mark.parametrize(("row", "counts"), CASES.values(), ids=CASES.keys())
def test_what_lies_mostly_on_ignored_pixels_does_not_count(row: int, counts: bool) -> None:
    assert counted_masks(bar(row, 5)[None], KNOWN[None], IGNORED).tolist() == [counts]
    box, known = np.array([[5.0, row, 25, row + 10]]), np.array([[5.0, 5, 25, 15]])
    assert counted_boxes(box, known, IGNORED).tolist() == [counts]


def test_a_known_chromosome_counts_wherever_it_lies() -> None:
    inside = bar(45, 5)
    assert counted_masks(bar(45, 8)[None], inside[None], IGNORED).tolist() == [True]
    assert counted_boxes(np.array([[8.0, 45, 28, 55]]), np.array([[5.0, 45, 25, 55]]), IGNORED).tolist() == [True]


def test_nothing_ignored_nothing_found_nothing_known() -> None:
    none, stack = np.zeros((0, 60, 60), dtype=bool), np.stack([KNOWN, bar(45, 5)])
    assert counted_masks(stack, KNOWN[None], None).tolist() == [True, True]
    assert counted_masks(stack, none, IGNORED).tolist() == [True, False]
    assert counted_masks(none, KNOWN[None], IGNORED).shape == (0,)
    assert counted_boxes(np.zeros((0, 4)), np.zeros((0, 4)), IGNORED).shape == (0,)
    with pytest.raises(MaskError, match="the same height and width"):
        counted_masks(stack, none, IGNORED[:30])


def test_scores_of_what_counts_are_those_of_a_picture_without_the_rest() -> None:
    """Found rightly, and one more in an ignored region: no error of the count, nothing to correct, precision 1."""
    pred, scores = np.stack([KNOWN, bar(45, 5)]), np.array([0.6, 0.9])
    counted = counted_masks(pred, KNOWN[None], IGNORED)
    score = summarize_instances([score_instances("a", "1", pred[counted], scores[counted], KNOWN[None])])
    assert (score["count_mae"], score["edits"], score["mask_ap50"], score["recovered_80"]) == (0, 0, 1, 1)
    naive = summarize_instances([score_instances("a", "1", pred, scores, KNOWN[None])])
    assert naive["edits"] == 1
