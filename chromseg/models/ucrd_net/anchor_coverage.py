"""Anchors by coverage: no box, however large or long, without one that the proposals can start from (review R4).

Quantiles of the boxes' sizes leave the largest without any anchor: a mean IoU rises while they are lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from chromseg.models.ucrd_net.anchor_shapes import DEFAULT_SIZES, Anchors, anchor_ious, fine_levels, sides_to_fit

_ENOUGH = 0.7  # IoU from which the RPN trains on an anchor; more is worth nothing
_ROUNDS = 2
_SIZES, _RATIOS = 24, 9  # candidates
_MOST = 4000  # boxes that are looked at


def cover_anchors(boxes: npt.ArrayLike, levels: Sequence[int], *, sizes: int = 2, ratios: int = 5) -> Anchors:
    """Anchors for which the mean of min(IoU, 0.7), each box with its best one, is largest; found greedily.

    Args:
        boxes: float (N, 4), xyxy, as the network will see them; boxes without area are ignored.
        levels: Those of the FPN, ascending; levels too coarse for the boxes keep their default, as with `fit_anchors`.
        sizes: Of each level.
        ratios: An odd number: 1, and equally many upright and lying shapes.

    Raises:
        DataError: No box.
    """
    sides = sides_to_fit(boxes)
    seen = np.concatenate([np.zeros_like(sides), sides], axis=1)[:: -(-len(sides) // _MOST)]
    roots = np.sqrt(sides.prod(axis=1))
    fine = fine_levels(roots, levels)
    candidates = np.geomspace(roots.min(), roots.max(), _SIZES).tolist()
    longest = float(np.exp(np.abs(np.log(sides[:, 1] / sides[:, 0]))).max())
    shapes = np.geomspace(1, max(longest, 1.0), _RATIOS + 1)[1:].tolist()

    def worth(chosen: list[float], pairs: list[float]) -> float:
        return float(np.minimum(anchor_ious(seen, Anchors((tuple(chosen),), _mirrored(pairs))), _ENOUGH).mean())

    pairs: list[float] = []
    chosen: list[float] = []
    for _ in range(_ROUNDS):
        chosen = _greedy(candidates, sizes * len(fine), partial(worth, pairs=pairs))
        pairs = _greedy(shapes, ratios // 2, partial(worth, chosen))
    own = [round(size, 1) for size in sorted(chosen)]
    dealt = {level: tuple(own[sizes * index : sizes * (index + 1)]) for index, level in enumerate(fine)}
    return Anchors(tuple(dealt.get(level, (DEFAULT_SIZES[level],) * sizes) for level in levels), _mirrored(pairs))


def _greedy(candidates: Sequence[float], count: int, worth: Callable[[list[float]], float]) -> list[float]:
    """`count` of the candidates, each the one that adds most to those before it."""
    chosen: list[float] = []
    for _ in range(count):
        chosen.append(max(candidates, key=lambda each: worth([*chosen, each])))
    return chosen


def _mirrored(pairs: Sequence[float]) -> tuple[float, ...]:
    above = [round(ratio, 3) for ratio in sorted(pairs)]
    return (*(round(1 / ratio, 3) for ratio in reversed(above)), 1.0, *above)
