"""A tangle along drawn axes: shared pixels go to both, however roughly a hand drew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from chromseg.arrays import F64, Bool
from chromseg.errors import MaskError
from chromseg.partition.axes import MOST_AXES, partition_along
from chromseg.partition.midline import midline_of

Ends = tuple[tuple[float, float], tuple[float, float]]
Draw = Callable[..., Bool]

X = (((12, 10), (52, 54)), ((52, 10), (12, 54)))
FLAT_X = (((24, 6), (40, 58)), ((40, 6), (24, 58)))
T_OVER = (((32, 6), (32, 58)), ((6, 30), (33, 32)))  # its tip lies on the other
TOUCHING_T = (((40, 6), (40, 58)), ((6, 30), (31, 32)))
ALONGSIDE = (((26, 8), (26, 56)), ((35, 8), (35, 56)))  # 9 px apart, 9 px wide
TRIANGLE = (((10, 32), (54, 32)), ((20, 8), (46, 58)), ((46, 8), (18, 58)))
LADDER = (((20, 6), (20, 58)), ((6, 18), (58, 18)), ((6, 44), (58, 44)))


def overlaps(found: Bool, truth: Bool) -> list[float]:
    """IoU of each mask with the true one of the same number."""
    assert len(found) == len(truth)
    return [float((one & other).sum() / (one | other).sum()) for one, other in zip(found, truth, strict=True)]


def by_hand(ends: Ends, seed: int, tremble: float = 1.0, points: int = 6) -> F64:
    """The axis as a hand draws it: it stops somewhat short and strays."""
    steps = np.linspace(0.04, 0.96, points)[:, None]
    straight = (1 - steps) * ends[0] + steps * ends[1]
    return np.asarray(straight + np.random.default_rng(seed).normal(0, tremble, straight.shape))


@pytest.mark.parametrize("arms", [X, FLAT_X, T_OVER, TRIANGLE, LADDER, TOUCHING_T, ALONGSIDE])
@pytest.mark.parametrize("seed", range(3))
def test_each_axis_gets_its_chromosome_with_what_it_shares(draw: Draw, arms: tuple[Ends, ...], seed: int) -> None:
    truth = draw(*arms)
    found = partition_along(truth.any(axis=0), [by_hand(ends, seed + number) for number, ends in enumerate(arms)])
    assert np.array_equal(found.any(axis=0), truth.any(axis=0)), "no pixel is lost or invented"
    assert min(overlaps(found, truth)) > 0.85
    shared = truth.sum(axis=0) > 1
    if shared.sum() > 40:
        assert ((found.sum(axis=0) > 1) & shared).sum() / shared.sum() > 0.6
    else:
        assert (found.sum(axis=0) > 1).sum() <= 12, "what only touches shares nothing"


@pytest.mark.parametrize("drawn", [0, 1])
def test_one_axis_is_enough_for_two_that_cross(draw: Draw, drawn: int) -> None:
    truth = draw(*X)
    found = partition_along(truth.any(axis=0), [by_hand(X[drawn], 0)])
    assert min(overlaps(found, truth[[drawn, 1 - drawn]])) > 0.85


def test_two_axes_leave_the_third_chromosome_whole(draw: Draw) -> None:
    truth = draw(*LADDER)
    found = partition_along(truth.any(axis=0), [by_hand(LADDER[1], 0), by_hand(LADDER[2], 1)])
    assert min(overlaps(found, truth[[1, 2, 0]])) > 0.8, "three parts of it go on in one another"


def test_an_axis_along_all_of_it_joins_the_pieces(draw: Draw) -> None:
    """A gap that a network saw is no border."""
    whole = draw(((32, 6), (32, 58)))[0]
    whole[:, 30:32] = False
    found = partition_along(whole, [np.array([[32.0, 7.0], [32.0, 57.0]])])
    assert np.array_equal(found[0], whole)


def test_a_tip_that_the_hand_left_out_stays_with_its_chromosome(draw: Draw) -> None:
    truth = draw(((32, 6), (32, 58)))
    found = partition_along(truth[0], [np.array([[32.0, 14.0], [32.0, 50.0]])])
    assert np.array_equal(found, truth)


def test_a_bent_chromosome_needs_no_exact_axis() -> None:
    rows, cols = np.mgrid[:90, :90].astype(float)
    bow = (np.abs(np.hypot(rows - 80, cols - 45) - 50) < 5) & (rows < 62)
    bar = np.abs(cols - 45) < 5
    bar &= (rows > 8) & (rows < 70)
    angles = np.linspace(-1.15, 1.15, 5)
    axis = np.stack([80 - 49 * np.cos(angles), 45 + 49 * np.sin(angles)], axis=1)  # five points, corners between them
    found = partition_along(bow | bar, [axis, np.array([[12.0, 43.0], [66.0, 47.0]])])
    assert min(overlaps(found, np.stack([bow, bar]))) > 0.85


def test_the_middle_is_found_from_beside_it(draw: Draw) -> None:
    bar = draw(((32, 6), (32, 58)), width=11)[0]
    line = midline_of(np.array([[29.0, 10.0], [35.0, 54.0]]), bar, 11)
    assert np.abs(line.points[:, 0] - 32).max() < 1
    assert line.half == pytest.approx(5.5, abs=0.6)


def test_turning_the_picture_turns_the_masks(draw: Draw) -> None:
    region = draw(*X).any(axis=0)
    axes = [by_hand(ends, 7) for ends in X]
    turned = partition_along(np.rot90(region), [np.stack([63 - axis[:, 1], axis[:, 0]], axis=1) for axis in axes])
    found = partition_along(region, axes)
    assert min(overlaps(np.rot90(turned, -1, axes=(1, 2)), found)) > 0.97


@pytest.mark.parametrize(
    ("region", "axes", "told"),
    [
        (np.zeros((9, 9), dtype=bool), [[[1, 1], [5, 5]]], "0 pixels"),
        (np.ones((800, 800), dtype=bool), [[[1, 1], [5, 5]]], "640000 pixels"),
        (np.ones((9, 9), dtype=bool), [], "0 axes"),
        (np.ones((9, 9), dtype=bool), [[[1, 1], [5, 5]]] * (MOST_AXES + 1), f"{MOST_AXES + 1} axes"),
        (np.ones((9, 9), dtype=bool), [[[1, 1]]], "shape"),
        (np.ones((9, 9), dtype=bool), [[[1, 1], [1, 1]]], "no length"),
        (np.ones((9, 9), dtype=bool), [[[1, 1], [1e9, 1]]], "longer"),
        (np.ones((9, 9), dtype=bool), [[[1, 1], [float("nan"), 1]]], "shape"),
        (np.ones((9, 9), dtype=bool), [[[1, 1], [5, 5]], [[30, 30], [39, 39]]], "leave no pixel"),
    ],
)
def test_what_is_no_tangle_is_refused(region: Bool, axes: list[F64], told: str) -> None:
    with pytest.raises(MaskError, match=told):
        partition_along(region, axes)
