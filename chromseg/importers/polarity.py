"""Which way the light goes in a whole set, by vote of its pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy.typing as npt

from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.images.appearance import estimate_polarity

_CLEAR = 0.8  # share of pictures that must agree


def common_polarity(greys: Iterable[npt.NDArray[Any]]) -> Polarity:
    """The polarity of a set of pictures.

    Args:
        greys: real (H, W) each.

    Raises:
        DataError: Fewer than 80 % agree.
    """
    votes = [estimate_polarity(grey) == "dark-on-light" for grey in greys]
    share = sum(votes) / len(votes) if votes else 0.5
    if share >= _CLEAR:
        return "dark-on-light"
    if share <= 1 - _CLEAR:
        return "light-on-dark"
    raise DataError(
        f"images of which {share:.0%} look dark on light",
        expected="one polarity throughout the set",
        remedy="say --polarity dark-on-light or light-on-dark, or import the two kinds apart",
    )
