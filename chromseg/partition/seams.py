"""Seams: where two fragments of one free part meet, and how likely two different chromosomes touch there.

Seams run along valleys of absorbance and depth, so the image says where to cut. Whether to cut, the shape tells: a
contact is a narrow neck where often the tip of one side meets the flank of the other, and the two sides together make
no compact whole; a centromere is narrow too, but its sides run on straight; a bend keeps its width. The likelihood is a
logistic regression on seven measures in chromosome widths, fitted by `benchmarks/fit_partition.py` on real and laid
clusters of cases other than test. How dark the seam is was measured too and got no weight: bands are as dark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from chromseg.arrays import F32, F64, I32, Intp
from chromseg.partition.parts import SeamMap

Measures: TypeAlias = F64
Moments: TypeAlias = F64
LabelPair: TypeAlias = tuple[int, int]
SeamPixels: TypeAlias = Intp

_REACH = 1.5  # chromosome widths around a seam that its measures look at
MEASURES = (
    "neck",  # length of the seam over the width of the narrower side
    "least_flank",  # per side, log of its spread along the seam over its spread away from it: a flank is wide
    "most_flank",
    "least_area",  # log of the sides' areas in squared widths
    "most_area",
    "fill",  # how well the whole fills its ellipse of inertia
    "length",  # log of the whole's length in widths
)
_SUREST = 4.0  # log-odds that a network is believed at most


@dataclass(frozen=True)
class SeamWeights:
    """A logistic regression on the measures of a seam.

    Attributes:
        weights: One for each of `MEASURES`, and with a contact map one more, of the log-odds that a network sees there.
        bias: Of the log-odds that two chromosomes touch.
    """

    weights: tuple[float, ...]
    bias: float


BY_SHAPE = SeamWeights((-12.01, 1.82, 3.03, 0.24, 2.15, -1.79, -2.37), 5.8)
# Fitted on maps that one network of 2,500 steps drew of validation metaphases of three stains
# (docs/experiments/all-stains.md); a model's card may have others, fitted on its own maps.
WITH_CONTACT = SeamWeights((-3.17, 1.23, 0.96, -0.29, -0.19, -2.86, 1.29, 0.65), 3.24)


@dataclass(frozen=True)
class Ground:
    """What the seams of one cluster are measured on.

    Attributes:
        depth: float32 (h, w), distance to the background in pixels.
        image: float32 (h, w) absorbance; all 1 where no image was given.
        contact: Seams: bool (h, w) as somebody knows them, float32 (h, w) as probable as a network finds them, or None.
        width: Typical width of a chromosome in pixels.
        weights: By which a seam is judged where a network saw contact.
    """

    depth: F32
    image: F32
    contact: SeamMap | None
    width: float
    weights: SeamWeights = WITH_CONTACT


def moments(labels: I32, count: int) -> Moments:
    """Area, first and second moments of labels 0 … count: float64 (count + 1, 6).

    They add up when fragments are merged.
    """
    rows, cols = np.nonzero(labels)
    own = labels[rows, cols]
    terms = (None, rows, cols, rows * rows, rows * cols, cols * cols)
    return np.stack([np.bincount(own, weights=term, minlength=count + 1) for term in terms], axis=1)


def fill_and_length(total: Moments) -> tuple[float, float]:
    """How well a shape fills its ellipse of inertia (an ellipse 1, a bar 0.95, bent or branched less); its length."""
    area = total[0]
    row, col = total[1] / area, total[2] / area
    rr, rc, cc = total[3] / area - row**2 + 1 / 12, total[4] / area - row * col, total[5] / area - col**2 + 1 / 12
    determinant = max(rr * cc - rc**2, 1e-6)
    longest = (rr + cc) / 2 + math.sqrt(max((rr + cc) ** 2 / 4 - determinant, 0))
    return float(area / (4 * math.pi * math.sqrt(determinant))), math.sqrt(12 * longest)


def find_seams(labels: I32) -> dict[LabelPair, SeamPixels]:
    """The pixel pairs over which each two labels meet edge to edge.

    Returns:
        For labels a < b: int (P, 2, 2), for each pair the (row, col) on a's side and then on b's.
    """
    return sorted_seams(labels, meeting_pixels(labels))


def meeting_pixels(labels: I32) -> SeamPixels:
    """All pixel pairs over which two labels meet edge to edge: int (P, 2, 2), of each the (row, col) of both."""
    beside = np.argwhere((labels[:, :-1] != labels[:, 1:]) & (labels[:, :-1] > 0) & (labels[:, 1:] > 0))
    below = np.argwhere((labels[:-1] != labels[1:]) & (labels[:-1] > 0) & (labels[1:] > 0))
    firsts = np.concatenate([beside, below])
    seconds = np.concatenate([beside + np.array((0, 1)), below + np.array((1, 0))])
    return np.stack([firsts, seconds], axis=1)


def sorted_seams(labels: I32, meeting: SeamPixels) -> dict[LabelPair, SeamPixels]:
    """As `find_seams`, from pixel pairs of which some may have come to be of one label since they were found."""
    ends = labels[meeting[..., 0], meeting[..., 1]]
    apart = ends[:, 0] != ends[:, 1]
    ends, pixels = ends[apart], meeting[apart]
    swap = ends[:, 0] > ends[:, 1]
    ends[swap], pixels[swap] = ends[swap, ::-1], pixels[swap, ::-1]
    order = np.lexsort((ends[:, 1], ends[:, 0]))  # stable: the pixels of a seam stay in their order
    ends, pixels = ends[order], pixels[order]
    starts = np.flatnonzero((ends[1:] != ends[:-1]).any(axis=1)) + 1
    seams = np.split(pixels, starts) if len(ends) else []
    return {(int(labels[tuple(seam[0, 0])]), int(labels[tuple(seam[0, 1])])): seam for seam in seams}


def likelihood(labels: I32, pair: LabelPair, seam: SeamPixels, ground: Ground, sides: Moments) -> float:
    """Probability 0–1 that two chromosomes touch at a seam; where seams are known, the share of it that is one."""
    if ground.contact is not None and ground.contact.dtype == bool:
        return float(ground.contact[seam[..., 0], seam[..., 1]].any(axis=1).mean())
    measures = measure(labels, pair, seam, ground, sides)
    judge = BY_SHAPE if ground.contact is None else ground.weights
    return 0.5 + 0.5 * math.tanh((float(measures @ np.array(judge.weights)) + judge.bias) / 2)


def measure(labels: I32, pair: LabelPair, seam: SeamPixels, ground: Ground, sides: Moments) -> Measures:
    """The measures of one seam, in the order of `MEASURES`; where a network looked, its log-odds last.

    Args:
        labels: int32 (h, w), fragments.
        pair: The two labels that meet.
        seam: Pixels of the seam as `find_seams` gives them.
        ground: Depth and chromosome width.
        sides: Moments of the two fragments, float64 (2, 6).
    """
    reach = _REACH * ground.width
    centre = _middle(seam, reach)
    top, left = (max(int(index - reach), 0) for index in centre)
    window = (slice(top, int(centre[0] + reach) + 2), slice(left, int(centre[1] + reach) + 2))
    near = labels[window]
    rows, cols = np.nonzero((near == pair[0]) | (near == pair[1]))
    down, right = rows + (top - centre[0]), cols + (left - centre[1])
    keep = down**2 + right**2 <= reach**2
    rows, cols, down, right = rows[keep], cols[keep], down[keep], right[keep]
    first = near[rows, cols] == pair[0]
    along, seam_length = _seam_line(seam, centre)
    tangent, normal = down * along[0] + right * along[1], right * along[0] - down * along[1]
    depth = ground.depth[window][rows, cols]
    both = (first, ~first)
    narrower = 2 * min(float(depth[side].max()) for side in both)
    flanks = [math.log((tangent[side].var() + 0.5) / (normal[side].var() + 0.5)) for side in both]
    areas = np.log(sides[:, 0] / ground.width**2)
    fill, length = fill_and_length(sides.sum(axis=0))
    ends = [areas.min(), areas.max(), fill, math.log(length / ground.width)]
    seen = [] if ground.contact is None else [_log_odds(ground.contact, seam)]
    return np.array([seam_length / narrower, min(flanks), max(flanks), *ends, *seen])


def _log_odds(contact: SeamMap, seam: SeamPixels) -> float:
    """Log-odds of the mean probability along a seam that a network finds one there."""
    mean = float(contact[seam[..., 0], seam[..., 1]].max(axis=1).mean())
    return max(-_SUREST, min(_SUREST, math.log(max(mean, 1e-6) / max(1 - mean, 1e-6))))


def _middle(seam: SeamPixels, reach: float) -> F64:
    """The centre of a seam (row, col); where it bends so far that its centre lies off it, the nearest of its points."""
    centre = np.asarray(seam.mean(axis=(0, 1)))
    points = seam.mean(axis=1)
    distances = np.hypot(*(points - centre).T)
    return centre if distances.min() < reach - 1 else np.asarray(points[distances.argmin()])


def _seam_line(seam: SeamPixels, centre: F64) -> tuple[tuple[float, float], float]:
    """Unit vector along a seam, and how long the seam is."""
    points = seam.mean(axis=1) - centre
    if len(points) < 4:
        across = (seam[:, 0] - seam[:, 1]).mean(axis=0)
        size = max(math.hypot(*across), 1e-6)
        return (float(-across[1] / size), float(across[0] / size)), float(len(points))
    rr, rc, cc = (
        float(term) for term in (points[:, 0] @ points[:, 0], points[:, 0] @ points[:, 1], points[:, 1] @ points[:, 1])
    )
    turn = 0.5 * math.atan2(2 * rc, rr - cc)
    along = (math.cos(turn), math.sin(turn))
    return along, float(np.ptp(points @ np.array(along))) + 1
