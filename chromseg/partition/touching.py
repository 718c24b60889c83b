"""Chromosomes that touch without crossing: cut where image and shape say so.

A free part that is not compact is cut into too many fragments at the valleys of absorbance × distance to the
background; then the least likely seam is taken away, again and again, until every seam that is left probably parts two
chromosomes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import F32, F64, I32, Bool
from chromseg.boxes import window_around
from chromseg.partition.parts import Parts, SeamMap, compact, grow_over_corners, grow_over_edges
from chromseg.partition.reconstruct import Forest
from chromseg.partition.seams import (
    WITH_CONTACT,
    Ground,
    LabelPair,
    SeamPixels,
    SeamWeights,
    fill_and_length,
    likelihood,
    meeting_pixels,
    moments,
    sorted_seams,
)

_CUT = 0.5  # least likelihood of a seam that stays
_COMPACT = 0.9  # fill from which a part is one chromosome: none of two in the training cases reaches it
_LEAST_AREA = 2.0  # squared chromosome widths that two chromosomes need
_CHIP_AREA = 0.9  # squared chromosome widths; a smaller fragment away from all crossings is no chromosome
_PEAK_DISTANCE = 0.7  # chromosome widths between the peaks of two fragments
_SMOOTHING = 0.1  # sigma in chromosome widths
_SHALLOW = 0.85  # share of the lower peak's height that a pass between two fragments may have
_MOST_FRAGMENTS = 400  # of one cluster; in more no seam is looked for: that is no chromosomes, and would take hours
_CONTACT_DROP = 0.3  # what is left of the relief on a seam
_SEEN = 0.3  # probability of a seam from which the part that it runs through is looked at


def part_touching(
    parts: Parts,
    region: Bool,
    image: F32 | None,
    contact: SeamMap | None,
    width: float,
    weights: SeamWeights = WITH_CONTACT,
) -> tuple[Parts, F64]:
    """Cut the free parts of one cluster where two chromosomes probably touch.

    Returns:
        The parts, and by free part how sure its least sure cut or non-cut is, 0.5–1; 0 where it was too much to tell.
    """
    suspects = suspected(parts, contact, width)
    if not suspects.any():
        return parts, np.ones(parts.n_free + 1)
    ground = ground_of(region, image, contact, width, weights)
    labels, owners = find_fragments(suspects, parts.n_free, ground)
    if len(owners) > _MOST_FRAGMENTS:
        return parts, np.zeros(parts.n_free + 1)
    crossed = grow_over_corners(parts.crossing > 0)
    labels, sureness = merge_fragments(labels, owners, ground, crossed)
    return _renumbered(parts, np.where(suspects > 0, labels + parts.n_free, parts.free), sureness)


def suspected(parts: Parts, contact: SeamMap | None, width: float) -> I32:
    """The free parts int32 (h, w) that may be two chromosomes; 0 elsewhere."""
    return np.where(_doubtful(parts, contact, width)[parts.free], parts.free, 0)


def ground_of(
    region: Bool, image: F32 | None, contact: SeamMap | None, width: float, weights: SeamWeights = WITH_CONTACT
) -> Ground:
    """What the seams of a cluster bool (h, w) are measured on; arguments as of `part_touching`."""
    depth = np.asarray(ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1], dtype=np.float32)
    thick = None if contact is None else _thickened(contact)
    return Ground(depth, np.ones_like(depth) if image is None else image, thick, width, weights)


def _doubtful(parts: Parts, contact: SeamMap | None, width: float) -> Bool:
    """By free part, whether it may be two chromosomes: by known seams alone, or by shape and by seams seen."""
    if contact is None:
        return _not_compact(parts, width)
    if contact.dtype == bool:
        return _on_a_seam(parts, contact > 0)
    return _not_compact(parts, width) | _on_a_seam(parts, contact >= _SEEN)


def _not_compact(parts: Parts, width: float) -> Bool:
    """By free part, whether it is large and bent or branched enough to be two chromosomes."""
    totals = moments(parts.free, parts.n_free)
    large = totals[:, 0] >= _LEAST_AREA * width**2
    return np.array(
        [bool(is_large) and fill_and_length(total)[0] < _COMPACT for is_large, total in zip(large, totals, strict=True)]
    )


def _thickened(contact: SeamMap) -> SeamMap:
    """Seams one pixel wider on either side, so that a cut beside one still runs along it."""
    if contact.dtype == bool:
        return grow_over_edges(contact > 0)
    return np.asarray(ndimage.maximum_filter(contact, 3))


def _on_a_seam(parts: Parts, contact: Bool) -> Bool:
    """By free part, whether a seam runs through it."""
    seams = np.bincount(parts.free[contact], minlength=parts.n_free + 1) > 0
    seams[0] = False
    return seams


def find_fragments(free: I32, n_free: int, ground: Ground) -> tuple[I32, npt.NDArray[np.integer]]:
    """Cut free parts, int32 (h, w), at every valley that is not shallow.

    Returns:
        Fragments int32 (h, w) from 1, and by fragment the free part that it is of.
    """
    inside = free > 0
    relief = np.minimum(ground.depth, ground.width / 2) * ground.image
    if ground.contact is not None:
        relief = relief * (1 - (1 - _CONTACT_DROP) * ground.contact)
    relief = ndimage.gaussian_filter(relief, _SMOOTHING * ground.width)
    relief[~inside] = 0
    size = 2 * round(_PEAK_DISTANCE * ground.width / 2) + 1
    peaks, n_peaks = ndimage.label((ndimage.maximum_filter(relief, size) == relief) & inside, EIGHT_CONNECTED)
    basins = watershed(-relief, peaks, mask=inside)
    keys = np.where(inside, basins * (n_free + 1) + free, 0).astype(np.int32)
    labels, owners = compact(keys, (n_peaks + 1) * (n_free + 1), np.arange((n_peaks + 1) * (n_free + 1) + 1))
    return _without_shallow_valleys(labels, owners % (n_free + 1), relief)


def _without_shallow_valleys(
    labels: I32, owners: npt.NDArray[np.integer], relief: F32
) -> tuple[I32, npt.NDArray[np.integer]]:
    """Merge fragments of one part whose pass is nearly as high as the lower of their peaks, the highest pass first."""
    count = len(owners) - 1
    heights = np.zeros(count + 1)
    np.maximum.at(heights, labels[labels > 0], relief[labels > 0])
    passes = [
        (float(relief[seam[..., 0], seam[..., 1]].min(axis=1).max()), pair)
        for pair, seam in seams_within(labels, owners).items()
    ]
    forest = Forest(count + 1)
    for height, pair in sorted(passes, reverse=True):
        a, b = sorted(map(forest.root, pair))
        if height > _SHALLOW * min(heights[a], heights[b]):
            forest.join(a, b)
            heights[a] = max(heights[a], heights[b])
    roots = np.array([forest.root(label) for label in range(count + 1)], dtype=np.int32)
    return compact(roots[labels], count, owners)


def merge_fragments(labels: I32, owners: npt.NDArray[np.integer], ground: Ground, crossed: Bool) -> tuple[I32, F64]:
    """Take away the least likely seam, again and again, until the rest are likely contacts.

    Returns:
        Labels int32 (h, w), some now missing, and by label how sure its least sure decision is, 0.5–1.
    """
    labels, sides, sureness = labels.copy(), moments(labels, len(owners) - 1), np.ones(len(owners))
    meeting, boxes = _meeting_within(labels, owners), ndimage.find_objects(labels)
    seams = sorted_seams(labels, meeting)
    at_crossing = np.bincount(labels[crossed], minlength=len(owners)) > 0
    scores: dict[LabelPair, float] = {}
    while seams:
        for pair in seams.keys() - scores.keys():
            chip = any(sides[side, 0] < _CHIP_AREA * ground.width**2 and not at_crossing[side] for side in pair)
            scores[pair] = likelihood(labels, pair, seams[pair], ground, sides[list(pair)]) * (_CUT if chip else 1)
        weakest = min(seams, key=lambda pair: (scores[pair], pair))
        if scores[weakest] >= _CUT:
            break
        kept, gone = weakest
        own = boxes[gone - 1]  # work on what is merged alone; on all of a large cluster it took seconds
        labels[own][labels[own] == gone] = kept
        boxes[kept - 1] = window_around((own, boxes[kept - 1]))
        sides[kept] += sides[gone]
        at_crossing[kept] |= at_crossing[gone]
        sureness[kept] = min(sureness[kept], sureness[gone], 1 - scores[weakest])
        for pair in [pair for pair in seams if kept in pair or gone in pair]:
            del seams[pair], scores[pair]
        seams |= sorted_seams(labels, meeting[(labels[meeting[..., 0], meeting[..., 1]] == kept).any(axis=1)])
    for pair in seams:
        for side in pair:
            sureness[side] = min(sureness[side], scores[pair])
    return labels, sureness


def seams_within(labels: I32, owners: npt.NDArray[np.integer]) -> dict[LabelPair, SeamPixels]:
    """The seams between fragments of one part."""
    return sorted_seams(labels, _meeting_within(labels, owners))


def _meeting_within(labels: I32, owners: npt.NDArray[np.integer]) -> SeamPixels:
    meeting = meeting_pixels(labels)
    parts = owners[labels[meeting[..., 0], meeting[..., 1]]]
    return np.asarray(meeting[parts[:, 0] == parts[:, 1]])


def _renumbered(parts: Parts, labels: I32, sureness: F64) -> tuple[Parts, F64]:
    """Parts with free parts numbered without gaps; a part that was cut is no longer welded to anything."""
    n_labels = parts.n_free + len(sureness) - 1
    origin = np.zeros(n_labels + 1, dtype=np.intp)
    origin[labels] = parts.free
    labels, old = compact(labels, n_labels, np.arange(n_labels + 1))
    count = len(old) - 1
    sure = np.concatenate([np.ones(parts.n_free), sureness])
    sure[0] = 1
    whole = np.bincount(origin[old], minlength=parts.n_free + 1)[origin[old]] == 1
    welds = np.where(whole, parts.welds[origin[old]], int(parts.welds.max()) + 1 + np.arange(count + 1))
    return replace(parts, free=labels, n_free=count, welds=welds), sure[old]
