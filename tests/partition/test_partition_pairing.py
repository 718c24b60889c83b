"""Ports and pairings by hand."""

from __future__ import annotations

import math

import pytest

from chromseg.partition.consistency import solve_together
from chromseg.partition.pairing import rank, solve
from chromseg.partition.ports import Port


def port(part, degrees, area=2.0, weld=None, at=4.0):
    """A port `at` pixels from the crossing's centre whose arm leaves at an angle (0 right, 90 up)."""
    row, col = -math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return Port(part, at * row, at * col, (row, col), area, part if weld is None else weld)


def pairs(pairing):
    return {frozenset(pair) for pair in pairing.pairs}


def test_x_pairs_opposite_arms():
    solved = solve([port(1, 0), port(2, 80), port(3, 190), port(4, 265)])

    assert pairs(solved) == {frozenset({1, 3}), frozenset({2, 4})}
    assert solved.n_chromosomes == 2


def test_t_joins_the_straight_two_and_ends_the_third():
    solved = solve([port(1, 0), port(2, 175), port(3, 270)])

    assert pairs(solved) == {frozenset({1, 2})}
    assert solved.n_chromosomes == 2


def test_l_joins_nothing_however_straight():
    solved = solve([port(1, 0), port(2, 150)])

    assert solved.pairs == ()
    assert solved.n_chromosomes == 2


def test_no_ports_make_an_empty_pairing():
    assert solve([]).pairs == ()


def test_a_stub_lengthens_the_arm_that_points_at_it():
    solved = solve([port(1, 0), port(2, 180), port(3, 270), port(4, 92, area=0.1)])

    assert pairs(solved) == {frozenset({1, 2}), frozenset({3, 4})}


def test_a_speck_between_two_halves_of_one_arm_is_no_crossing():
    solved = solve([port(1, 0, weld=1), port(2, 180, weld=1)], area=0.05)

    assert pairs(solved) == {frozenset({1, 2})}
    assert solved.n_chromosomes == 1


def test_more_arms_than_two_chromosomes_have_are_counted():
    assert solve([port(part, 60 * part) for part in range(1, 7)]).n_chromosomes == 3


def test_confidences_are_probabilities_and_fall_with_ambiguity():
    clear = rank([port(1, 0), port(2, 90), port(3, 180), port(4, 270)], area=1.0)
    vague = rank([port(1, 0), port(2, 45), port(3, 180), port(4, 202)], area=1.0)

    assert clear[0].confidence > 0.8 > vague[0].confidence
    assert sum(pairing.confidence for pairing in clear) <= 1
    assert [pairing.cost for pairing in clear] == sorted(pairing.cost for pairing in clear)


@pytest.mark.parametrize("turn", [0, 37, 111])
def test_turning_all_arms_changes_nothing(turn):
    angles = [10, 95, 185, 280]

    turned = solve([port(part, angle + turn) for part, angle in enumerate(angles, start=1)])

    assert pairs(turned) == {frozenset({1, 3}), frozenset({2, 4})}


def test_two_crossings_do_not_make_one_chromosome_cross_itself():
    """Parts 3 and 4 are of two chromosomes that cross, so the second crossing may not join them, straight as it is."""
    first = [port(1, 0), port(2, 90), port(3, 180), port(4, 270)]
    second = [port(3, 180), port(4, 5), port(5, 325)]

    together = solve_together([first, second], [1.0, 1.0], n_free=5)

    assert pairs(solve(second)) == {frozenset({3, 4})}
    assert pairs(together[0]) == {frozenset({1, 3}), frozenset({2, 4})}
    assert pairs(together[1]) == {frozenset({3, 5})}
