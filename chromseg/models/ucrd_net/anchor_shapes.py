"""Anchors as shapes, and how well they suit boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chromseg.arrays import F64
from chromseg.errors import DataError

DEFAULT_SIZES = {2: 32.0, 3: 64.0, 4: 128.0, 5: 256.0, 6: 512.0}  # of Mask R-CNN with an FPN, level by level
_STRIDES = 4  # a box must be so many strides large for anchors of a level to lie well on it


class Anchors(NamedTuple):
    """Shapes of anchors.

    Attributes:
        sizes: Per level, finest first: square roots of areas in pixels; as many on each level.
        ratios: Heights over widths; each with each size.
    """

    sizes: tuple[tuple[float, ...], ...]
    ratios: tuple[float, ...]


def fine_levels(sizes: F64, levels: Sequence[int]) -> list[int]:
    """Levels, at least one, whose stride is fine against the largest boxes; `sizes` (N,) are roots of their areas."""
    return [level for level in levels if _STRIDES * 2**level <= np.quantile(sizes, 0.95)] or list(levels[:1])


def anchor_ious(boxes: npt.ArrayLike, anchors: Anchors) -> F64:
    """The best IoU any anchor can have with each box, centre on centre: float (N,); boxes without area are left out."""
    sides = sides_of(boxes)
    sizes, ratios = np.array([size for level in anchors.sizes for size in level]), np.array(anchors.ratios)
    shapes = np.stack([np.divide.outer(sizes, np.sqrt(ratios)), np.multiply.outer(sizes, np.sqrt(ratios))], axis=-1)
    shapes = shapes.reshape(-1, 2)
    common = np.minimum(sides[:, None], shapes[None]).prod(axis=2)
    union = sides.prod(axis=1)[:, None] + shapes.prod(axis=1)[None] - common
    best: F64 = (common / union).max(axis=1, initial=0.0)
    return best


def sides_of(boxes: npt.ArrayLike) -> F64:
    """Widths and heights (N, 2) of the boxes that have an area."""
    array = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sides = array[:, 2:] - array[:, :2]
    return sides[(sides > 0).all(axis=1)]


def sides_to_fit(boxes: npt.ArrayLike) -> F64:
    """The same of boxes that anchors are fitted to.

    Raises:
        DataError: None has an area.
    """
    sides = sides_of(boxes)
    if len(sides) == 0:
        raise DataError("no box", expected="boxes to fit anchors to", remedy="check the training set")
    return sides
