"""Anchors (UCRD-Net §2.1, 3.3): the defaults, the paper's, or from the boxes of a dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chromseg.arrays import F64
from chromseg.config import DetectorConfig
from chromseg.errors import ConfigError, DataError

DEFAULT_SIZES = {2: 32.0, 3: 64.0, 4: 128.0, 5: 256.0, 6: 512.0}  # of Mask R-CNN with an FPN, level by level
DEFAULT_RATIOS = (0.5, 1.0, 2.0)
PAPER_SIZES = (32.0, 64.0, 96.0, 128.0)
PAPER_RATIOS = (1 / 5, 1 / 4, 1 / 3, 1 / 2, 1.0, 2.0, 3.0, 4.0, 5.0)
_STRIDES = 4  # a box must be so many strides large for anchors of a level to lie well on it


class Anchors(NamedTuple):
    """Shapes of anchors.

    Attributes:
        sizes: Per level, finest first: square roots of areas in pixels; as many on each level.
        ratios: Heights over widths; each with each size.
    """

    sizes: tuple[tuple[float, ...], ...]
    ratios: tuple[float, ...]


def resolve_anchors(config: DetectorConfig) -> Anchors:
    """The anchors that `config` asks for.

    Raises:
        ConfigError: `auto` without numbers (`fit_anchors` gives them), or sizes that do not fit the levels.
    """
    if config.anchors == "auto":
        anchors = Anchors(config.anchor_sizes, config.anchor_ratios)
    elif config.anchors == "paper":
        anchors = Anchors(_paper_sizes(config.levels), PAPER_RATIOS)
    else:
        anchors = Anchors(tuple((DEFAULT_SIZES[level],) for level in config.levels), DEFAULT_RATIOS)
    counts = {len(sizes) for sizes in anchors.sizes}
    flat = [value for values in (*anchors.sizes, anchors.ratios) for value in values]
    if len(anchors.sizes) != len(config.levels) or len(counts) != 1 or not anchors.ratios or min(flat, default=0) <= 0:
        raise ConfigError(
            f"anchors `{config.anchors}` with sizes {anchors.sizes} and ratios {anchors.ratios}",
            expected=f"equally many positive sizes for each of the levels {config.levels}, and ratios",
            remedy="with `auto`, set anchor_sizes and anchor_ratios, say by `fit_anchors` of the training boxes",
        )
    return anchors


def _paper_sizes(levels: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """The four sizes, ascending, shared out evenly; on more than four levels the deepest keep their default.

    Which size sits on which level is unsaid in the paper.
    """
    if len(levels) > len(PAPER_SIZES):
        sizes = (*PAPER_SIZES, *(DEFAULT_SIZES[level] for level in levels[len(PAPER_SIZES) :]))
        return tuple((size,) for size in sizes)
    if len(PAPER_SIZES) % len(levels):
        raise ConfigError(
            f"anchors `paper` on the levels {levels}",
            expected="one, two, four or five levels, to share out four sizes",
            remedy="change `levels`, or use anchors `auto`",
        )
    each = len(PAPER_SIZES) // len(levels)
    return tuple(PAPER_SIZES[start : start + each] for start in range(0, len(PAPER_SIZES), each))


def fit_anchors(boxes: npt.ArrayLike, levels: Sequence[int], *, ratios: int = 5) -> Anchors:
    """Anchors that suit the boxes of a dataset: quantiles of their sizes, and of their elongations either way.

    The paper counts the pixels of every chromosome and chooses by eye (§2.1, Fig. 3); this is the same as a rule.
    Anchors stand a stride apart, so a level whose stride is coarse against the largest boxes gets none of the
    quantiles: it keeps its default size.

    Args:
        boxes: float (N, 4), xyxy, as the network will see them (after scaling); boxes without area are ignored.
        levels: Those of the FPN, ascending; one size on each, smaller ones on finer levels.
        ratios: An odd number: 1, and equally many upright and lying shapes.

    Raises:
        DataError: No box.
    """
    sides = _sides(boxes)
    if len(sides) == 0:
        raise DataError("no box", expected="boxes to fit anchors to", remedy="check the training set")
    size = np.sqrt(sides.prod(axis=1))
    fine = [level for level in levels if _STRIDES * 2**level <= np.quantile(size, 0.95)] or list(levels[:1])
    quantiles = np.quantile(size, (np.arange(len(fine)) + 0.5) / len(fine))
    fitted = dict(zip(fine, np.round(quantiles, 1).tolist(), strict=True))
    elongation = np.exp(np.abs(np.log(sides[:, 1] / sides[:, 0])))
    half = ratios // 2
    above = np.quantile(elongation, (2 * np.arange(half) + 2) / ratios) if half else np.zeros(0)
    rounded = [round(float(value), 3) for value in above]
    return Anchors(
        tuple((fitted.get(level, DEFAULT_SIZES[level]),) for level in levels),
        (*(round(1 / value, 3) for value in reversed(rounded)), 1.0, *rounded),
    )


def with_fitted_anchors(config: DetectorConfig, boxes: npt.ArrayLike) -> DetectorConfig:
    """`config` with numbers for anchors `auto`; unchanged if it has them or asks for others.

    Raises:
        DataError: No box.
    """
    if config.anchors != "auto" or config.anchor_sizes:
        return config
    fitted = fit_anchors(boxes, config.levels)
    return dataclasses.replace(config, anchor_sizes=fitted.sizes, anchor_ratios=fitted.ratios)


def anchor_ious(boxes: npt.ArrayLike, anchors: Anchors) -> F64:
    """The best IoU any anchor can have with each box, centre on centre: float (N,); boxes without area are left out."""
    sides = _sides(boxes)
    sizes, ratios = np.array([size for level in anchors.sizes for size in level]), np.array(anchors.ratios)
    shapes = np.stack([np.divide.outer(sizes, np.sqrt(ratios)), np.multiply.outer(sizes, np.sqrt(ratios))], axis=-1)
    shapes = shapes.reshape(-1, 2)
    common = np.minimum(sides[:, None], shapes[None]).prod(axis=2)
    union = sides.prod(axis=1)[:, None] + shapes.prod(axis=1)[None] - common
    best: F64 = (common / union).max(axis=1, initial=0.0)
    return best


def _sides(boxes: npt.ArrayLike) -> F64:
    """Widths and heights (N, 2) of the boxes that have an area."""
    array = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sides = array[:, 2:] - array[:, :2]
    return sides[(sides > 0).all(axis=1)]
