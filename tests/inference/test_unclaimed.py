"""What the chromosome map shows and no outline has."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.inference.unclaimed import unclaimed_pieces, with_unclaimed_ends

SHAPE = (80, 120)
USUAL = 400.0  # px


def block(rows: slice, cols: slice) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[rows, cols] = True
    return mask


LEFT, RIGHT = block(slice(10, 50), slice(10, 20)), block(slice(10, 50), slice(60, 70))


def test_a_chromosome_that_no_outline_has_is_a_piece() -> None:
    (piece,) = unclaimed_pieces(LEFT[None], LEFT | RIGHT, USUAL)
    np.testing.assert_array_equal(piece, RIGHT)


def test_what_lies_beside_an_outline_is_cut_where_the_outline_is() -> None:
    touching = block(slice(10, 50), slice(20, 30))
    (piece,) = unclaimed_pieces(LEFT[None], LEFT | touching, USUAL)
    np.testing.assert_array_equal(piece, touching)


@pytest.mark.parametrize(
    "more",
    [block(slice(10, 19), slice(60, 70)), block(slice(10, 50), slice(20, 24)), block(slice(10, 50), slice(10, 20))],
    ids=["too small", "a rim", "nothing"],
)
def test_what_is_no_chromosome_is_no_piece(more: np.ndarray) -> None:
    assert not len(unclaimed_pieces(LEFT[None], LEFT | more, USUAL))


def test_a_piece_at_the_rim_of_the_picture_without_any_outline() -> None:
    corner = block(slice(0, 12), slice(110, 120))
    (piece,) = unclaimed_pieces(np.zeros((0, *SHAPE), dtype=bool), corner, USUAL)
    np.testing.assert_array_equal(piece, corner)


def test_of_a_map_full_of_dirt_only_the_largest_pieces_are_told() -> None:
    specks = np.zeros((60, 600), dtype=bool)
    for col in range(0, 600, 10):
        specks[10:20, col : col + 6] = True
    specks[10:30, 300:306] = True
    pieces = unclaimed_pieces(np.zeros((0, *specks.shape), dtype=bool), specks, 60.0)
    assert len(pieces) == 50
    assert pieces[0].sum() == 120


def test_an_end_that_nobody_took_is_given_back() -> None:
    shorter = LEFT & block(slice(10, 40), slice(0, 120))
    np.testing.assert_array_equal(with_unclaimed_ends(shorter[None], LEFT[None], LEFT), LEFT[None])


def test_an_end_stays_away_that_another_has_or_the_map_has_not() -> None:
    shorter, end = LEFT & block(slice(10, 40), slice(0, 120)), LEFT & block(slice(40, 50), slice(0, 120))
    both = np.stack([shorter, RIGHT | end])
    np.testing.assert_array_equal(with_unclaimed_ends(both, np.stack([LEFT, RIGHT]), LEFT | RIGHT), both)
    np.testing.assert_array_equal(with_unclaimed_ends(shorter[None], LEFT[None], shorter), shorter[None])


def test_an_end_that_would_lie_apart_stays_away() -> None:
    middle = LEFT & block(slice(20, 40), slice(0, 120))
    apart = LEFT & ~block(slice(40, 44), slice(0, 120))
    whole = with_unclaimed_ends(middle[None], LEFT[None], apart)
    np.testing.assert_array_equal(whole[0], LEFT & block(slice(10, 40), slice(0, 120)))
