"""The assignment of a whole cell, against cells whose best one is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chromseg.karyogram.classes import CLASSES
from chromseg.karyogram.places import PRICE, best_classes, place

X, Y = CLASSES.index("X"), CLASSES.index("Y")
MAN = [*range(22), *range(22), X, Y]


def sure_of(classes: list[int], share: float = 0.9) -> np.ndarray:
    """Probabilities float32 (N, 24): `share` for the class given, the rest for all others."""
    table = np.full((len(classes), 24), (1 - share) / 23, dtype=np.float32)
    table[np.arange(len(classes)), classes] = share
    return table


def test_a_plain_cell_is_placed_as_the_network_says() -> None:
    for cell in (MAN, [*range(22), *range(22), X, X]):
        placement = place(sure_of(cell))
        assert placement.classes.tolist() == cell
        assert (placement.sureness > 0.95).all()


def test_two_places_a_class_mend_what_the_network_confuses() -> None:
    table = sure_of(MAN)
    table[0] = 0.01
    table[0, [0, 1]] = 0.38, 0.4  # looks a little more like a 2, of which there are two already
    assert table[0].argmax() == 1
    assert place(table).classes[0] == 0


def test_a_third_chromosome_is_seen_where_the_picture_says_so() -> None:
    cell = [*MAN, 20]
    assert place(sure_of(cell, 0.999)).classes.tolist() == cell


def test_the_price_decides_how_sure_the_picture_must_be() -> None:
    table = sure_of([c for c in MAN if c != 21] + [20, 21], 0.9)  # two 21, one 22, and one that may be a third 21
    table[-2] = 0.001
    table[-2, 20], table[-2, 21] = 0.8, 0.1
    assert place(table, price=1.0).classes[-2] == 20
    assert place(table, price=4.0).classes[-2] == 21
    assert all(np.array_equal(best_classes(table, price), place(table, price).classes) for price in (1.0, 4.0))


def test_a_woman_has_no_free_place_for_y_and_a_man_one_x() -> None:
    table = sure_of([*range(22), *range(22), X, X])
    table[-1] = 0.01
    table[-1, X], table[-1, Y] = 0.7, 0.05
    assert place(table).classes[-2:].tolist() == [X, X]
    table[-1, X], table[-1, Y] = 0.05, 0.7
    assert place(table).classes[-2:].tolist() == [X, Y]


def test_it_is_the_best_assignment_of_all() -> None:
    rng = np.random.default_rng(3)
    table = np.zeros((4, 24), dtype=np.float32)
    table[:, [0, 1, X, Y]] = rng.dirichlet([0.6] * 4, size=4)

    def cost(classes: tuple[int, ...]) -> float:
        own = -sum(np.log(max(float(table[row, number]), 1e-6)) for row, number in enumerate(classes))
        sexes = ({X: 2, Y: 0}, {X: 1, Y: 1})
        beyond = (sum(sum(range(1, classes.count(n) - free.get(n, 2) + 1)) for n in set(classes)) for free in sexes)
        return own + PRICE * min(beyond)

    best = min(itertools.product([0, 1, X, Y], repeat=4), key=cost)
    assert place(table).classes.tolist() == list(best)


def test_sureness_is_the_odds_against_the_best_other_assignment() -> None:
    table = np.full((1, 24), 1e-6, dtype=np.float32)
    table[0, 4], table[0, 5] = 0.8, 0.2
    assert place(table).sureness[0] == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("count", [0, 1, 200])
def test_any_number_of_chromosomes_finds_a_place(count: int) -> None:
    placement = place(sure_of([0] * count))
    assert placement.classes.shape == placement.sureness.shape == (count,)
