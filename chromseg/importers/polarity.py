"""Which way the light goes, judged from the pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from chromseg.annotations.absorbance import Polarity
from chromseg.errors import DataError

_CLEAR = 0.8  # share of images that must agree


def estimate_polarity(greys: Iterable[npt.NDArray[Any]]) -> Polarity:
    """The polarity of a set of pictures, by vote.

    In each, chromosomes are the smaller share of the picture and stand farther from the ground than anything else:
    the longer tail of grey levels around the ground (the median of picture and rim together) is theirs.

    Args:
        greys: real (H, W) each.

    Raises:
        DataError: Fewer than 80 % agree.
    """
    votes = [_is_dark_on_light(grey) for grey in greys]
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


def _is_dark_on_light(grey: npt.NDArray[Any]) -> bool:
    values = grey.astype(np.float64)
    rim = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    ground = np.median(rim)
    return bool(np.clip(ground - values, 0, None).sum() > np.clip(values - ground, 0, None).sum())
