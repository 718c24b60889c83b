"""Chromosomes that touch without crossing: cut where image and shape say so.

A free part is cut into too many fragments at the valleys of absorbance × distance to the background; then the least
likely seam is taken away, again and again, until every seam that is left probably parts two chromosomes.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.annotations.rasterize import BoolArray
from chromseg.partition.parts import FloatArray, IntArray, Parts
from chromseg.partition.reconstruct import Forest
from chromseg.partition.seams import Ground, find_seams, likelihood, measure, moments

_CUT = 0.5  # least likelihood of a seam that stays
_PEAK_DISTANCE = 0.7  # chromosome widths between the peaks of two fragments
_SHALLOW = 0.85  # share of the lower peak that a pass between fragments may keep
_SMOOTHING = 0.1  # sigma in chromosome widths


def fragments(free: IntArray, ground: Ground) -> tuple[IntArray, int]:
    """Cut free parts, int32 (h, w), at every valley: fragments int32 (h, w) from 1, and how many."""
    inside = free > 0
    relief = np.minimum(ground.depth, ground.width / 2) * ground.image
    relief = ndimage.gaussian_filter(relief, _SMOOTHING * ground.width)
    relief[~inside] = 0
    size = 2 * round(_PEAK_DISTANCE * ground.width / 2) + 1
    peaks, n_peaks = ndimage.label((ndimage.maximum_filter(relief, size) == relief) & inside, EIGHT_CONNECTED)
    basins = watershed(-relief, peaks, mask=inside)
    keys, numbered = np.unique(np.where(inside, free * (n_peaks + 1) + basins, 0), return_inverse=True)
    return _without_shallow_valleys(numbered.reshape(free.shape).astype(np.int32), len(keys) - 1, free, relief)


def _without_shallow_valleys(labels: IntArray, count: int, free: IntArray, relief: FloatArray) -> tuple[IntArray, int]:
    """Merge fragments whose pass is nearly as high as the lower of their peaks, the highest pass first."""
    heights = ndimage.maximum(relief, labels, np.arange(count + 1))
    passes = []
    for pair, seam in find_seams(labels).items():
        if free[tuple(seam[0, 0])] == free[tuple(seam[0, 1])]:
            passes.append((float(np.minimum(*relief[seam[..., 0], seam[..., 1]].T).max()), pair))
    forest = Forest(count + 1)
    for height, pair in sorted(passes, reverse=True):
        a, b = sorted(map(forest.root, pair))
        if a != b and height > _SHALLOW * min(heights[a], heights[b]):
            forest.join(a, b)
            heights[a] = max(heights[a], heights[b])
    roots = np.array([forest.root(label) for label in range(count + 1)])
    kept, renumbered = np.unique(roots, return_inverse=True)
    return renumbered.astype(np.int32)[labels], len(kept) - 1


def part_touching(parts: Parts, region: BoolArray, image: FloatArray | None, width: float) -> tuple[Parts, float]:
    """Cut free parts where two chromosomes probably touch; also how sure the least sure decision is, 0.5–1."""
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1].astype(np.float32)
    ground = Ground(depth, np.ones_like(depth) if image is None else image, width)
    labels, count = fragments(parts.free, ground)
    if count > parts.n_free:
        labels, count = merge(labels, count, parts.free, ground)
    origin = np.zeros(count + 1, dtype=np.intp)
    origin[labels] = parts.free
    whole = np.bincount(origin, minlength=parts.n_free + 1)[origin] == 1
    welds = np.where(whole, parts.welds[origin], np.arange(count + 1) + parts.welds.max() + 1)
    return Parts(labels, count, parts.crossing, parts.n_crossing, welds), 1.0


def merge(labels: IntArray, count: int, free: IntArray, ground: Ground) -> tuple[IntArray, int]:
    """Take away the least likely seam, again and again, until the rest are likely contacts."""
    sides = moments(labels, count, ground.image)
    scores: dict[tuple[int, int], float] = {}
    while True:
        seams = {p: s for p, s in find_seams(labels).items() if free[tuple(s[0, 0])] == free[tuple(s[0, 1])]}
        for pair in seams.keys() - scores.keys():
            scores[pair] = likelihood(measure(labels, pair, seams[pair], ground, sides[list(pair)]))
        kept, removed = min(seams, key=scores.__getitem__, default=(0, 0))
        if not seams or scores[kept, removed] >= _CUT:
            break
        labels[labels == removed] = kept
        sides[kept] += sides[removed]
        scores = {pair: score for pair, score in scores.items() if not {kept, removed} & set(pair)}
    numbers, renumbered = np.unique(labels, return_inverse=True)
    return renumbered.reshape(labels.shape).astype(np.int32), len(numbers) - 1
