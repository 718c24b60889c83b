"""How far a figure could move with other patients: a bootstrap over cases, not over images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

_LEVEL = 0.95


class Interval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


def bootstrap_by_case(
    values: Sequence[Any],
    case_ids: Sequence[str],
    statistic: Callable[[list[Any]], float | None],
    n: int = 2000,
    seed: int = 0,
) -> Interval | None:
    """Percentile interval (95 %) of a statistic when cases are drawn again with replacement.

    Images of one case resemble each other: drawing images would make the interval too narrow.

    Args:
        values: One per image, numbers or whole scores.
        case_ids: The case of each.
        statistic: From the values of one drawing to the figure; None or NaN drops the drawing.
        n: Number of drawings.
        seed: Seed of the drawings.

    Returns:
        The interval; None without values or if the statistic is undefined in every drawing. One case gives an interval
        of no width, which says nothing about other cases.
    """
    cases = [[v for v, c in zip(values, case_ids, strict=True) if c == case] for case in dict.fromkeys(case_ids)]
    if not cases:
        return None
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(cases), size=len(cases)) for _ in range(n))
    figures = [statistic([value for case in draw for value in cases[case]]) for draw in drawn]
    defined = [figure for figure in figures if figure is not None and not np.isnan(figure)]
    if not defined:
        return None
    low, high = np.quantile(defined, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(low), float(high))
