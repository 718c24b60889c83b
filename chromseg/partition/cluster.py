"""One cluster to its chromosomes: cut into parts, pair the arms at every crossing, put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chromseg.annotations.rasterize import BoolArray
from chromseg.partition.pairing import Pairing, solve
from chromseg.partition.parts import FloatArray, cut_parts
from chromseg.partition.ports import Port, find_ports
from chromseg.partition.touching import part_touching
from chromseg.partition.reconstruct import draw, group_parts

NEEDS_REVIEW, THREE_AT_CROSSING = "needs-review", "three-at-crossing"
_DOUBTFUL = 0.55


@dataclass(frozen=True)
class Piece:
    """One chromosome of a cluster: bool mask in the cluster's window, flags and confidence."""

    mask: BoolArray
    flags: tuple[str, ...]
    confidence: float


def partition_cluster(
    region: BoolArray, crossing: BoolArray, image: FloatArray | None, contact: BoolArray | None, radius: int
) -> list[Piece]:
    """Split one cluster, all arrays (h, w) in its bounding box, `crossing` and `contact` within `region`."""
    width = chromosome_width(region)
    parts = cut_parts(region, crossing, width, contact)
    parts, _ = part_touching(parts, region, image, width)
    if parts.n_free < 2:
        return [Piece(region, (), 1.0)]
    ports = find_ports(parts, image, radius, width)
    pairings = [
        solve(at, area) for at, area in zip(ports, np.bincount(parts.crossing.ravel())[1:] / width**2, strict=True)
    ]
    groups = group_parts(parts.n_free, [pair for pairing in pairings for pair in pairing.pairs])
    through = [_crossings_of(group, ports) for group in groups]
    masks = draw(parts, groups, through)
    return [
        Piece(mask, _flags(met), min((pairing.confidence for pairing in met), default=1.0))
        for mask, met in zip(masks, ([pairings[c - 1] for c in own] for own in through), strict=True)
    ]


def chromosome_width(region: BoolArray) -> float:
    """Typical width in pixels of the chromosomes of bool (h, w): twice the area over the length of the outline."""
    inner = region[1:-1, 1:-1] & region[:-2, 1:-1] & region[2:, 1:-1] & region[1:-1, :-2] & region[1:-1, 2:]
    area = int(region.sum())
    return 2 * area / max(area - int(inner.sum()), 1)


def _crossings_of(group: list[int], ports: list[list[Port]]) -> list[int]:
    """Labels of the crossings that a group of parts has a port at."""
    own = set(group)
    return [label for label, at in enumerate(ports, start=1) if any(port.part in own for port in at)]


def _flags(pairings: list[Pairing]) -> tuple[str, ...]:
    if any(pairing.n_chromosomes > 2 for pairing in pairings):
        return (NEEDS_REVIEW, THREE_AT_CROSSING)
    return (NEEDS_REVIEW,) if any(pairing.confidence < _DOUBTFUL for pairing in pairings) else ()
