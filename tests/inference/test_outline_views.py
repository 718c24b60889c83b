"""Outlines as the verifier sees them."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.inference.outline_views import new_outlines, outline_views
from chromseg.models.verifier import SIZE

SHAPE, WIDTH = (300, 400), 12.0


def bar(row: float, col: float, angle: float, length: float = 80) -> np.ndarray:
    """A bar 12 px wide around a point, its long side `angle` degrees off the vertical."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] - np.array([row, col])[:, None, None]
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return (np.abs(rows * cos + cols * sin) <= length / 2) & (np.abs(cols * cos - rows * sin) <= WIDTH / 2)


def seen(*masks: np.ndarray, which: list[int] | None = None) -> np.ndarray:
    every = np.array(masks)
    chromosome = every.any(axis=0).astype(np.float32)
    return outline_views(every, 0.4 * chromosome, np.stack([chromosome, 0 * chromosome]), WIDTH, which)


@pytest.mark.parametrize("angle", [0, 30, 89, 135])
def test_a_chromosome_stands_upright_in_the_middle_at_one_scale(angle: float) -> None:
    (view,) = seen(bar(140, 200, angle)) > 127
    rows, cols = (np.flatnonzero(view[3].any(axis=axis)) for axis in (1, 0))
    assert len(rows) == pytest.approx(60, abs=2) and len(cols) == pytest.approx(9, abs=2)
    assert rows.mean() == pytest.approx((SIZE[0] - 1) / 2, abs=1)
    assert cols.mean() == pytest.approx((SIZE[1] - 1) / 2, abs=1)
    assert (view[3] == view[1]).mean() > 0.98 and not view[2].any() and not view[4].any()


def test_it_stands_among_the_others_of_its_explanation_and_shares_what_they_share() -> None:
    one, two = bar(140, 200, 0), bar(140, 200, 90, length=60)
    (view,) = seen(one, two, which=[0]) > 127
    assert view[3, 48, 24] and view[4, 48, 24], "where both cross, the other one lies too"
    assert view[3, 20, 24] and not view[4, 20, 24]
    assert view[4, 48, 8] and not view[3, 48, 8]


def test_the_rim_of_a_picture_and_what_lies_beyond_is_empty() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[0:50, 0:10] = True
    (view,) = seen(mask) > 127
    assert view[3].sum() == pytest.approx(50 * 10 * 0.75**2, rel=0.1)
    assert not view[:, :24].any()


def test_pictures_of_any_tone_look_alike() -> None:
    mask = bar(140, 200, 20)[None]
    views = [
        outline_views(
            mask, np.where(mask[0], np.float32(tone), np.float32(0)), np.zeros((2, *SHAPE), np.float32), WIDTH
        )
        for tone in (0.1, 0.9)
    ]
    assert np.abs(views[0].astype(int) - views[1]).max() <= 1


def test_an_outline_that_two_explanations_give_is_new_once() -> None:
    one, two, three = bar(140, 200, 0), bar(140, 200, 90), bar(60, 60, 90)
    known: set[bytes] = set()
    new, names = new_outlines(np.array([one, two]), known)
    assert new == [0, 1]
    again, same = new_outlines(np.array([two, three]), known | set(names))
    assert again == [1] and same[0] == names[1]
