"""Where boxes and pieces agree one to one, on bars whose clusters are known."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.boxes import boxes_of
from chromseg.outlining.agreement import agreeing_pieces


def bar(row: int, col: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((100, 120), dtype=bool)
    mask[row : row + height, col : col + width] = True
    return mask


CROSS = [bar(20, 5, 8, 50), bar(5, 25, 40, 8)]
PAIR = [bar(60, 10, 8, 40), bar(60, 50, 8, 30)]  # end to end
ALONE = bar(80, 90, 10, 20)
TRUTH = np.stack([*CROSS, *PAIR, ALONE])
BOXES = boxes_of(TRUTH).astype(np.float32)


def test_pieces_that_are_the_chromosomes_agree_in_any_order() -> None:
    assert agreeing_pieces(TRUTH, BOXES) == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}
    assert agreeing_pieces(TRUTH[::-1], BOXES) == {0: 4, 1: 3, 2: 2, 3: 1, 4: 0}
    shifted = BOXES + np.array([1, -1, 1, 0], dtype=np.float32)
    assert agreeing_pieces(TRUTH, shifted).keys() == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("pieces", "agreed"),
    [
        ([*CROSS, PAIR[0] | PAIR[1], ALONE], {0, 1, 4}),  # two as one
        ([*CROSS, bar(60, 10, 8, 20), bar(60, 30, 8, 20), PAIR[1], ALONE], {0, 1, 4}),  # one as two
        ([CROSS[0], *PAIR, ALONE], {2, 3, 4}),  # one missing, whose box the other fills
        ([*CROSS, bar(28, 25, 20, 8), *PAIR, ALONE], {2, 3, 4}),  # something beside them that no box has
        ([*CROSS, CROSS[0], *PAIR, ALONE], {2, 3, 4}),  # the same chromosome twice
        ([*CROSS, *PAIR], {0, 1, 2, 3}),
        ([], set()),
    ],
    ids=["merged", "halved", "missing", "added", "twice", "not found alone", "nothing"],
)
def test_of_a_cluster_all_pieces_agree_or_none(pieces: list[np.ndarray], agreed: set[int]) -> None:
    stack = np.array(pieces, dtype=bool).reshape(-1, 100, 120)
    assert agreeing_pieces(stack, BOXES).keys() == agreed


def test_a_piece_that_two_boxes_claim_is_of_neither() -> None:
    twice = np.concatenate([BOXES, BOXES[4:] + 1])
    assert agreeing_pieces(TRUTH, twice).keys() == {0, 1, 2, 3}
    assert agreeing_pieces(TRUTH, twice, settled={4}).keys() == {0, 1, 2, 3}


def test_a_box_whose_chromosome_is_known_casts_no_doubt_on_its_neighbours() -> None:
    """The box of a short chromosome that lies within the box of the cross, and which the model has not found."""
    inner = np.array([[35, 21, 50, 27]], dtype=np.float32)
    boxes = np.concatenate([BOXES, inner])
    assert agreeing_pieces(TRUTH, boxes).keys() == {2, 3, 4}
    assert agreeing_pieces(TRUTH, boxes, settled={5}).keys() == {0, 1, 2, 3, 4}


def test_no_boxes_no_agreement() -> None:
    assert agreeing_pieces(TRUTH, np.zeros((0, 4), dtype=np.float32)) == {}
