"""Anchors (UCRD-Net §2.1, 3.3): the defaults, the paper's, or from the boxes of a dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chromseg.config import DetectorConfig
from chromseg.errors import ConfigError
from chromseg.models.ucrd_net.anchor_coverage import cover_anchors
from chromseg.models.ucrd_net.anchor_shapes import DEFAULT_SIZES, Anchors, fine_levels, sides_to_fit

DEFAULT_RATIOS = (0.5, 1.0, 2.0)
PAPER_SIZES = (32.0, 64.0, 96.0, 128.0)
PAPER_RATIOS = (1 / 5, 1 / 4, 1 / 3, 1 / 2, 1.0, 2.0, 3.0, 4.0, 5.0)
FITTED = ("auto", "coverage")  # to the boxes of the training set


def resolve_anchors(config: DetectorConfig) -> Anchors:
    """The anchors that `config` asks for.

    Raises:
        ConfigError: Fitted ones without numbers (see `with_fitted_anchors`), or sizes that do not fit the levels.
    """
    if config.anchors in FITTED:
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
            remedy=f"with {' or '.join(FITTED)}, set anchor_sizes and anchor_ratios, say by `with_fitted_anchors`",
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
    sides = sides_to_fit(boxes)
    size = np.sqrt(sides.prod(axis=1))
    fine = fine_levels(size, levels)
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
    """`config` with numbers for anchors that are fitted to boxes; unchanged if it has them or asks for others.

    Raises:
        DataError: No box.
    """
    if config.anchors not in FITTED or config.anchor_sizes:
        return config
    fitted = (fit_anchors if config.anchors == "auto" else cover_anchors)(boxes, config.levels)
    return dataclasses.replace(config, anchor_sizes=fitted.sizes, anchor_ratios=fitted.ratios)
