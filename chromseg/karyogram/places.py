"""Which chromosome takes which place of the karyogram: the assignment of the whole cell that is most probable.

Each class has two places, X and Y those of a woman or of a man, whichever explains the cell better. Every further
place has a price, so that a third chromosome of a class is seen where the picture says so, and not where it hardly
does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from chromseg.arrays import F32, F64, I64, Intp
from chromseg.karyogram.classes import CLASSES

PRICE = 6.0  # of the first place beyond those of a class, in natural logarithms of odds; the next costs it twice …
_LEAST = 1e-6  # probability; no class is impossible
_X, _Y = CLASSES.index("X"), CLASSES.index("Y")
_SEXES = ({_X: 2, _Y: 0}, {_X: 1, _Y: 1})  # places without a price

Places = I64
Costs = F64


@dataclass(frozen=True)
class Placement:
    """Where the chromosomes of a cell belong.

    Attributes:
        classes: int64 (N,), from 0 in the order of `CLASSES`.
        sureness: float64 (N,), 0.5–1: the odds of this assignment against the best that puts the chromosome into
            another class, as a probability.
    """

    classes: Places
    sureness: F64


def place(probabilities: F32, price: float = PRICE) -> Placement:
    """Give every chromosome of a cell a place.

    Args:
        probabilities: float32 (N, 24), of each chromosome by itself; N may be 0.
        price: Of a place beyond those of a class.
    """
    own = _costs(probabilities)
    best, classes = _cheapest(own, price)
    regrets = np.zeros(len(own))
    for index, given in enumerate(classes):
        other = own.copy()
        other[index, given] = -4 * np.log(_LEAST)
        regrets[index] = _cheapest(other, price)[0] - best
    return Placement(classes, 1 / (1 + np.exp(-np.maximum(regrets, 0))))


def best_classes(probabilities: F32, price: float = PRICE) -> Places:
    """The classes of `place` alone, int64 (N,), at a fraction of the time."""
    return _cheapest(_costs(probabilities), price)[1]


def _costs(probabilities: F32) -> Costs:
    return -np.log(np.maximum(probabilities.astype(np.float64), _LEAST))


def _cheapest(own: Costs, price: float) -> tuple[float, Places]:
    """The cost and the classes of the best assignment under the better of both sexes.

    Args:
        own: float64 (N, 24), the cost of each class to each chromosome.
        price: As of `place`.
    """
    return min((_assigned(own, price, sex) for sex in _SEXES), key=lambda found: found[0])


def _assigned(own: Costs, price: float, sex: dict[int, int]) -> tuple[float, Places]:
    """The best assignment of a woman's or a man's cell; raises nothing, since there are places enough for all."""
    count, classes = own.shape
    places = 2 + max(2, -(-count // classes))
    free = np.full(classes, 2)
    free[list(sex)] = list(sex.values())
    beyond = np.maximum(np.arange(places) - free[:, None] + 1, 0)
    costs = (own[:, :, None] + price * beyond).reshape(count, classes * places)
    rows, taken = linear_sum_assignment(costs)
    return float(costs[rows, taken].sum()), _of_class(taken, places)


def _of_class(taken: Intp, places: int) -> Places:
    return np.asarray(taken // places, dtype=np.int64)
