"""Strips: which pixels of a crossing a chromosome covers on its way from one arm to the other.

A chromosome is as wide on a crossing as elsewhere, so it covers a strip: from port to port, or straight on from the
only port of an end. On a true crossing map every pixel lies on two strips or more. That tells good pairings from bad
ones, and how to share out a crossing of three chromosomes, none of which covers all of it.
"""

from __future__ import annotations

import numpy as np

from chromseg.arrays import F64, Bool
from chromseg.partition.ports import Coordinates, Port

_AT_ONCE = 2  # chromosomes that lie over one another at a crossing, at least


def distances(ports: list[Port], pixels: Coordinates, width: float) -> Coordinates:
    """How far pixels lie from the centre lines of all possible strips of one crossing.

    Args:
        ports: Its n ports.
        pixels: float64 (P, 2), row and column.
        width: Width of a chromosome in pixels.

    Returns:
        float64 (n, n, P) in half widths: from the line from port i to port j, for i = j straight on from port i.
    """
    starts = np.array([(port.row, port.col) for port in ports])
    lines = starts - starts[:, None]  # n, n, 2
    far = 2 * float(pixels.max() - pixels.min()) + width  # beyond any pixel
    for own, port in enumerate(ports):
        lines[own, own] = (-far * port.away[0], -far * port.away[1])
    offsets = pixels - starts[:, None]  # n, P, 2
    along = lines @ offsets.transpose(0, 2, 1)  # n, n, P
    lengths = np.maximum((lines**2).sum(axis=-1), 1e-6)[..., None]
    share = np.minimum(np.maximum(along / lengths, 0), 1)
    squares = (offsets**2).sum(axis=-1)[:, None] - share * (2 * along - share * lengths)
    return np.asarray(np.sqrt(np.maximum(squares, 0)) * (2 / width))


def share_out(chromosomes: list[list[Port]], pixels: Coordinates, width: float) -> Bool:
    """Which pixels of a crossing each of its chromosomes covers.

    Args:
        chromosomes: The ports of each, one or more.
        pixels: float64 (P, 2), row and column.
        width: Width of a chromosome in pixels.

    Returns:
        bool (chromosomes, P): the strip of each, and for every pixel at least the two nearest.
    """
    away = np.stack([_distance(ports, pixels, width) for ports in chromosomes])
    nearest = np.sort(away, axis=0)[min(_AT_ONCE, len(away)) - 1]
    return np.asarray(away <= np.maximum(nearest, 1))


def _distance(ports: list[Port], pixels: Coordinates, width: float) -> F64:
    """From the nearest of the lines between the ports of one chromosome, in half widths: float64 (P,)."""
    between = distances(ports, pixels, width)
    pairs = np.triu_indices(len(ports), k=min(1, len(ports) - 1))
    return np.asarray(between[pairs].min(axis=0))
