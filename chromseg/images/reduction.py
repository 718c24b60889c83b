"""A picture with a bounded number of pixels, for whatever is only estimated: no picture costs more than that."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_ESTIMATED = 2_000_000  # pixels that an estimate looks at: a camera's picture of one metaphase as it is
_LEAST_SIDE = 64  # pixels that the shorter side keeps; of a longer strip the middle is looked at


def reduced(image: npt.NDArray[Any], most: int = MAX_ESTIMATED) -> tuple[npt.NDArray[Any], int]:
    """Means of squares of a picture that has too many pixels, so that estimates take bounded time and memory.

    Args:
        image: real or bool (H, W).
        most: Pixels at most.

    Returns:
        The picture (h, w) itself or, as float32, made smaller by a whole factor; and the factor.
    """
    step = min(math.ceil(math.sqrt(image.size / most)), max(1, min(image.shape) // _LEAST_SIDE))
    return _middle(by_means(image, step), most), step


def by_means(image: npt.NDArray[Any], step: int) -> npt.NDArray[Any]:
    """Means of squares of `step` pixels: real (H, W) → float32 (H // step, W // step), or itself where that is 1."""
    if step == 1:
        return image
    height, width = (side // step for side in image.shape)
    squares = image[: height * step, : width * step].reshape(height, step, width, step)
    rows = squares.sum(axis=1, dtype=np.float32)
    return np.asarray(rows.sum(axis=2) / np.float32(step**2))


def _middle(image: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """The middle of a strip so long that it still has too many pixels."""
    if image.size <= most:
        return image
    rows, cols = (min(side, max(1, most // min(image.shape))) for side in image.shape)
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - cols) // 2
    return image[top : top + rows, left : left + cols]
