"""One cluster to its chromosomes: cut into parts, part what touches, pair the arms at every crossing, put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from chromseg.arrays import F32, Bool
from chromseg.boxes import grown, window_around
from chromseg.partition.consistency import solve_together
from chromseg.partition.pairing import Pairing
from chromseg.partition.parts import Parts, SeamMap, cut_parts, grow_over_corners
from chromseg.partition.ports import Crossing, find_crossings
from chromseg.partition.reconstruct import draw, group_parts, share_crossings
from chromseg.partition.seams import WITH_CONTACT, SeamWeights
from chromseg.partition.touching import part_touching

NEEDS_REVIEW, THREE_AT_CROSSING = "needs-review", "three-at-crossing"
_DOUBTFUL = 0.3  # confidence below which a chromosome is wrong more often than right
_DOUBTFUL_OF_THREE = 0.5  # the same where more than two meet
_REACH = 1.6  # chromosome widths that an arm is followed at least
_CRUMB_AREA = 0.15  # squared chromosome widths; a smaller piece goes to its neighbour


@dataclass(frozen=True)
class Piece:
    """One chromosome of a cluster: bool mask in the cluster's window, flags and confidence."""

    mask: Bool
    flags: tuple[str, ...]
    confidence: float


def partition_cluster(
    region: Bool,
    crossing: Bool,
    image: F32 | None,
    contact: SeamMap | None,
    radius: int,
    weights: SeamWeights = WITH_CONTACT,
) -> list[Piece]:
    """Split one cluster, all arrays (h, w) in its bounding box, `crossing` and `contact` within `region`."""
    width = chromosome_width(region)
    parts, sureness = part_touching(cut_parts(region, crossing, width), region, image, contact, width, weights)
    if parts.n_free < 2:
        return [Piece(region, (), float(sureness.min()))]
    crossings = find_crossings(parts, max(radius, round(_REACH * width)), width)
    pairings = solve_together(crossings, parts.n_free)
    pairs = [pair for pairing in pairings for pair in pairing.pairs]
    groups = group_parts(parts.n_free, pairs + _crumb_pairs(parts, pairs, _CRUMB_AREA * width**2))
    through = [_crossings_of(group, crossings) for group in groups]
    masks = draw(parts, groups, through)
    share_crossings(masks, parts, groups, crossings)
    pieces = []
    for mask, group, own in zip(masks, groups, through, strict=True):
        met = [pairings[label - 1] for label in own]
        confidence = min([float(sureness[group].min()), *(pairing.confidence for pairing in met)])
        pieces.append(Piece(mask, _flags(met, confidence), confidence))
    return pieces


def _flags(met: list[Pairing], confidence: float) -> tuple[str, ...]:
    if any(pairing.n_chromosomes > 2 for pairing in met):
        return (NEEDS_REVIEW, THREE_AT_CROSSING) if confidence < _DOUBTFUL_OF_THREE else (THREE_AT_CROSSING,)
    return (NEEDS_REVIEW,) if confidence < _DOUBTFUL else ()


def chromosome_width(region: Bool) -> float:
    """Typical width in pixels of the chromosomes of bool (h, w): twice the area over the length of the outline."""
    inner = region[1:-1, 1:-1] & region[:-2, 1:-1] & region[2:, 1:-1] & region[1:-1, :-2] & region[1:-1, 2:]
    area = int(region.sum())
    return 2 * area / max(area - int(inner.sum()), 1)


def _crumb_pairs(parts: Parts, pairs: list[tuple[int, int]], area: float) -> list[tuple[int, int]]:
    """Join each group too small to be a chromosome to the part that it borders most."""
    areas = np.bincount(parts.free.ravel(), minlength=parts.n_free + 1)
    boxes = ndimage.find_objects(parts.free)
    joined = []
    for group in group_parts(parts.n_free, pairs):
        if areas[group].sum() < area:
            near = parts.free[grown(window_around(boxes[part - 1] for part in group), 1)]
            own = np.isin(near, group)
            around = np.bincount(near[grow_over_corners(own) & ~own], minlength=parts.n_free + 1)
            around[0] = 0
            if around.any():
                joined.append((group[0], int(around.argmax())))
    return joined


def _crossings_of(group: list[int], crossings: list[Crossing]) -> list[int]:
    """Labels of the crossings that a group of parts has a port at."""
    own = set(group)
    return [label for label, at in enumerate(crossings, start=1) if any(port.part in own for port in at.ports)]
