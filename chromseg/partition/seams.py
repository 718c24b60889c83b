"""Seams: where two fragments of one free part meet, and how likely two different chromosomes touch there.

A contact is a narrow neck, dark in absorbance, whose two sides are each a chromosome-like piece, and often one side's
flank meets the other's tip. A centromere is narrow too, but its sides run on straight and make one plausible whole; a
bend keeps its width. The likelihood is a logistic regression on nine such measures, all free of scale (lengths in
chromosome widths, absorbances as ratios). `benchmarks/fit_seams.py` fits its weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from chromseg.partition.parts import FloatArray, IntArray

Moments: TypeAlias = npt.NDArray[np.float64]
SeamPixels: TypeAlias = npt.NDArray[np.intp]

_REACH = 1.5  # chromosome widths around a seam that its shape measures look at
MEASURES = ("neck", "mean_depth", "least_depth", "across_a", "across_b", "area_a", "area_b", "fill", "length", "shade")
WEIGHTS = (-11.99, -10.56, 7.3, 3.57, 2.54, -0.66, 1.66, -5.67, -2.13, 9.53)
BIAS = 11.39


@dataclass(frozen=True)
class Ground:
    """What seams of one cluster are measured on.

    Attributes:
        depth: float32 (h, w), distance to the background in pixels.
        image: float32 (h, w) absorbance; all 1 where no image was given.
        width: Typical width of a chromosome in pixels.
    """

    depth: FloatArray
    image: FloatArray
    width: float


def moments(labels: IntArray, count: int, image: FloatArray) -> Moments:
    """Area, first and second moments and summed absorbance of labels 0 … count: float64 (count + 1, 7).

    They add up when fragments are merged.
    """
    rows, cols = np.nonzero(labels)
    own = labels[rows, cols]
    terms = (None, rows, cols, rows * rows, rows * cols, cols * cols, image[rows, cols])
    return np.stack([np.bincount(own, weights=term, minlength=count + 1) for term in terms], axis=1, dtype=np.float64)


def find_seams(labels: IntArray) -> dict[tuple[int, int], SeamPixels]:
    """The pixel pairs over which each two labels meet edge to edge.

    Returns:
        For labels a < b: int (P, 2, 2), for each pair the (row, col) on a's side and then on b's.
    """
    flat, width = labels.ravel(), labels.shape[1]
    last = np.arange(flat.size) % width == width - 1
    firsts = np.concatenate([np.flatnonzero(_meets(flat[:-1], flat[1:]) & ~last[:-1]), _below(flat, width)])
    n_beside = len(firsts) - len(_below(flat, width))
    seconds = firsts + np.where(np.arange(len(firsts)) < n_beside, 1, width)
    swap = flat[firsts] > flat[seconds]
    firsts, seconds = np.where(swap, seconds, firsts), np.where(swap, firsts, seconds)
    keys = flat[firsts].astype(np.int64) * (int(flat.max(initial=0)) + 1) + flat[seconds]
    pixels = np.stack([np.stack(np.divmod(side, width), axis=1) for side in (firsts, seconds)], axis=1)
    return {
        (int(flat[firsts[own[0]]]), int(flat[seconds[own[0]]])): pixels[own]
        for own in (np.flatnonzero(keys == key) for key in np.unique(keys))
    }


def _meets(a: IntArray, b: IntArray) -> npt.NDArray[np.bool_]:
    return np.asarray((a != b) & (a > 0) & (b > 0))


def _below(flat: IntArray, width: int) -> npt.NDArray[np.intp]:
    return np.flatnonzero(_meets(flat[:-width], flat[width:]))


def measure(
    labels: IntArray, pair: tuple[int, int], seam: SeamPixels, ground: Ground, sides: Moments
) -> npt.NDArray[np.float64]:
    """The measures of one seam, in the order of `MEASURES`.

    Args:
        labels: int32 (h, w), fragments.
        pair: The two labels that meet.
        seam: Pixels of the seam as `find_seams` gives them.
        ground: Depth, image and chromosome width.
        sides: Moments of the two fragments, float64 (2, 7).
    """
    centre = seam.mean(axis=(0, 1))
    reach = _REACH * ground.width
    top, left = (max(int(index - reach), 0) for index in centre)
    window = (slice(top, int(centre[0] + reach) + 2), slice(left, int(centre[1] + reach) + 2))
    near = labels[window]
    rows, cols = np.nonzero((near == pair[0]) | (near == pair[1]))
    down, right = rows + (top - centre[0]), cols + (left - centre[1])
    keep = down**2 + right**2 <= reach**2
    rows, cols, down, right = rows[keep], cols[keep], down[keep], right[keep]
    first = near[rows, cols] == pair[0]
    along, n_along = _direction(seam, centre, down, right, first)
    tangent = down * along[0] + right * along[1]
    normal = down * -along[1] + right * along[0]
    depth, shade = ground.depth[window][rows, cols], ground.image[window][rows, cols]
    widths, references, across = [], [], []
    for side in (first, ~first):
        widths.append(2 * float(depth[side].max()))
        references.append(float(np.sort(shade[side])[int(0.75 * (side.sum() - 1))]))
        across.append(math.log((tangent[side].var() + 0.5) / (normal[side].var() + 0.5)))
    ends = ground.image[seam[:, 0, 0], seam[:, 0, 1]], ground.image[seam[:, 1, 0], seam[:, 1, 1]]
    dark = np.minimum(*ends) / (min(references) + 1e-3)
    fill, length = _shape(sides.sum(axis=0))
    areas = sorted(float(area) / ground.width**2 for area in sides[:, 0])
    means = sides[:, 6] / sides[:, 0]
    return np.array(
        [
            n_along / min(widths),
            dark.mean(),
            dark.min(),
            *sorted(across),
            *(math.log(area) for area in areas),
            fill,
            math.log(length / ground.width),
            abs(means[0] - means[1]),
        ]
    )


def likelihood(measures: npt.NDArray[np.float64]) -> float:
    """Probability 0–1 that a seam of these measures parts two chromosomes."""
    return 0.5 + 0.5 * math.tanh((float(np.dot(measures, WEIGHTS)) + BIAS) / 2)


def _direction(seam, centre, down, right, first):  # type: ignore
    """Unit vector along the seam and how long the seam is."""
    points = seam.mean(axis=1) - centre
    if len(points) < 4:
        over = down[first].mean() - down[~first].mean(), right[first].mean() - right[~first].mean()
        size = max(math.hypot(*over), 1e-6)
        return (-over[1] / size, over[0] / size), float(len(points))
    rr, rc, cc = points[:, 0] @ points[:, 0], points[:, 0] @ points[:, 1], points[:, 1] @ points[:, 1]
    turn = 0.5 * math.atan2(2 * rc, rr - cc)
    along = (math.cos(turn), math.sin(turn))
    return along, float(np.ptp(points @ along)) + 1


def _shape(total: npt.NDArray[np.float64]) -> tuple[float, float]:
    """How well the whole fills its ellipse of inertia (1 = an ellipse, less = bent or branched), and its length."""
    area = total[0]
    row, col = total[1] / area, total[2] / area
    rr, rc, cc = total[3] / area - row**2 + 1 / 12, total[4] / area - row * col, total[5] / area - col**2 + 1 / 12
    determinant = max(rr * cc - rc**2, 1e-6)
    longest = (rr + cc) / 2 + math.sqrt(max((rr + cc) ** 2 / 4 - determinant, 0))
    return area / (4 * math.pi * math.sqrt(determinant)), math.sqrt(12 * longest)
