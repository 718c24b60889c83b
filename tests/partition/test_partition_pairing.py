"""Ports and pairings by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chromseg.partition.consistency import solve_together
from chromseg.partition.pairing import rank
from chromseg.partition.ports import Crossing, Port
from chromseg.partition.strips import distances, share_out


def likeliest(at):
    return rank(at)[0]


WIDTH = 8.0


def port(part, degrees, area=2.0, weld=None, at=4.0):
    """A port `at` pixels from the crossing's centre whose arm leaves at an angle (0 right, 90 up)."""
    row, col = -math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return Port(part, at * row, at * col, (row, col), area, part if weld is None else weld)


def crossing(ports, area=1.0):
    """A round crossing of `area` squared chromosome widths around the centre."""
    rows, cols = np.mgrid[-20:21, -20:21].reshape(2, -1).astype(float)
    nearest = np.argsort(np.hypot(rows, cols), kind="stable")[: round(area * WIDTH**2)]
    return Crossing(list(ports), np.stack([rows, cols], axis=1)[nearest], WIDTH)


def solve(crossing):
    return rank(crossing)[0]


def pairs(pairing):
    return {frozenset(pair) for pair in pairing.pairs}


def test_x_pairs_opposite_arms():
    solved = likeliest(crossing([port(1, 0), port(2, 80), port(3, 190), port(4, 265)]))

    assert pairs(solved) == {frozenset({1, 3}), frozenset({2, 4})}
    assert solved.n_chromosomes == 2


def test_t_joins_the_straight_two_and_ends_the_third():
    solved = likeliest(crossing([port(1, 0), port(2, 175), port(3, 270)]))

    assert pairs(solved) == {frozenset({1, 2})}
    assert solved.n_chromosomes == 2


def test_l_joins_nothing_however_straight():
    solved = likeliest(crossing([port(1, 0), port(2, 150)]))

    assert solved.pairs == ()
    assert solved.n_chromosomes == 2


def test_no_ports_make_an_empty_pairing():
    assert likeliest(crossing([])).pairs == ()


def test_a_stub_lengthens_the_arm_that_points_at_it():
    solved = likeliest(crossing([port(1, 0), port(2, 180), port(3, 270), port(4, 92, area=0.1)]))

    assert pairs(solved) == {frozenset({1, 2}), frozenset({3, 4})}


def test_arms_that_are_joined_around_a_speck_are_rather_one_chromosome():
    def joined(area, weld):
        found = rank(crossing([port(1, 0, weld=1), port(2, 180, weld=weld)], area=area))
        return next(pairing.confidence for pairing in found if pairing.pairs)

    assert joined(0.1, weld=1) > 0.5
    assert joined(0.1, weld=2) < 0.2


def test_more_arms_than_two_chromosomes_have_are_counted():
    assert likeliest(crossing([port(part, 60 * part) for part in range(1, 7)])).n_chromosomes == 3


def test_confidences_are_probabilities_and_fall_with_ambiguity():
    clear = rank(crossing([port(1, 0), port(2, 90), port(3, 180), port(4, 270)]))
    vague = rank(crossing([port(1, 0), port(2, 45), port(3, 180), port(4, 202)]))

    assert clear[0].confidence > 0.95 > vague[0].confidence
    assert sum(pairing.confidence for pairing in clear) <= 1
    assert [pairing.cost for pairing in clear] == sorted(pairing.cost for pairing in clear)


@pytest.mark.parametrize("turn", [0, 37, 111])
def test_turning_all_arms_changes_nothing(turn):
    angles = [10, 95, 185, 280]

    turned = likeliest(crossing([port(part, angle + turn) for part, angle in enumerate(angles, start=1)]))

    assert pairs(turned) == {frozenset({1, 3}), frozenset({2, 4})}


def test_two_crossings_do_not_make_one_chromosome_cross_itself():
    """Parts 3 and 4 are of two chromosomes that cross, so the second crossing may not join them, straight as it is."""
    first = crossing([port(1, 0), port(2, 90), port(3, 180), port(4, 270)])
    second = crossing([port(3, 180), port(4, 5), port(5, 325)])

    together = solve_together([first, second], n_free=5)

    assert pairs(likeliest(second)) == {frozenset({3, 4})}
    assert pairs(together[0]) == {frozenset({1, 3}), frozenset({2, 4})}
    assert pairs(together[1]) == {frozenset({3, 5})}


def test_pairings_that_differ_in_a_crumb_only_are_one_outcome():
    arms = [port(1, 0), port(2, 90), port(3, 180), port(4, 270)]

    clear, with_crumb = rank(crossing(arms)), rank(crossing([*arms, port(5, 45, area=0.05)]))

    assert pairs(with_crumb[0]) > pairs(clear[0])  # the crumb goes to one of them
    assert with_crumb[0].confidence == pytest.approx(clear[0].confidence, abs=0.1)


def test_a_long_crossing_belongs_to_arms_at_both_its_ends():
    """Two chromosomes lie along one another, so no strip from side to side covers what they share."""
    arms = [
        Port(1, 0, -10, (-0.6, -0.8), 2.0, 1),
        Port(2, 0, -10, (0.6, -0.8), 2.0, 2),
        Port(3, 0, 10, (-0.6, 0.8), 2.0, 3),
        Port(4, 0, 10, (0.6, 0.8), 2.0, 4),
    ]
    pixels = np.argwhere(np.ones((7, 20))) - (3, 10)

    joined = pairs(likeliest(Crossing(arms, pixels.astype(float), WIDTH)))

    assert joined == {frozenset({1, 4}), frozenset({2, 3})}


def test_distances_by_hand():
    """In half widths: from the line between two ports, and straight on from one."""
    two = [Port(1, 0, -5, (0, -1), 2.0, 1), Port(2, 0, 5, (0, 1), 2.0, 2)]

    found = distances(two, np.array([[3.0, 0.0], [0.0, 9.0]]), width=6.0)

    np.testing.assert_allclose(found[0, 1], [1, 4 / 3])
    np.testing.assert_allclose(found[0, 0], [1, 0])
    np.testing.assert_allclose(found[1, 1], [1, 4 / 3])


def test_each_of_three_gets_its_strip_and_every_pixel_two_owners():
    """Two bars cross at the left, two at the right, and the crossings have grown into one."""
    lying = [Port(1, 0, -20, (0, -1), 2.0, 1), Port(2, 0, 20, (0, 1), 2.0, 2)]
    left = [Port(3, -4, -12, (-1, 0), 2.0, 3), Port(4, 4, -12, (1, 0), 2.0, 4)]
    right = [Port(5, -4, 12, (-1, 0), 2.0, 5), Port(6, 4, 12, (1, 0), 2.0, 6)]
    pixels = np.array([[0.0, -12.0], [0.0, 12.0], [0.0, 5.0]])

    covered = share_out([lying, left, right], pixels, width=8.0)

    assert covered.tolist() == [[True, True, True], [True, False, False], [False, True, True]]
