"""Which picture it is: a hash of its pixels, by which it is known again under another name and in another file."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

_DIGITS = 16  # 64 bits: that any two of a million pictures share one by chance has a probability of 3 in 10^8
_WIDENED = 257  # what 8 bits are multiplied by to become 16


def pixel_hash(grey: npt.NDArray[Any]) -> str:
    """The first 16 hex digits of SHA-256 of a picture's size and grey values.

    How a file packs them does not matter: name, format, lossless compression, and whether 8 bits are kept in 16, as
    they are or 257 times as large. Lossy compression, another size, exposure or polarity make another picture
    (`copies` looks for those).

    Args:
        grey: Real (H, W), as `pictures.read_grey` gives it.
    """
    values = _plain(np.asarray(grey))
    head = f"{values.shape} {values.dtype.str}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()[:_DIGITS]


def _plain(grey: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The values as uint16 where they are whole numbers of that range, else as float64."""
    if grey.dtype == np.uint8:  # nearly all
        return grey.astype("<u2")
    if not _whole(grey):
        return grey.astype("<f8")
    values = grey.astype("<u2")
    widened = values.size and values.max() > np.iinfo(np.uint8).max and not (values % _WIDENED).any()
    return values // _WIDENED if widened else values


def _whole(grey: npt.NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((grey >= 0) & (grey <= np.iinfo(np.uint16).max) & (grey == np.floor(grey))).all())
