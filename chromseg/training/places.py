"""Where training crops are centred: on chromosomes, on knots of several, and on what only looks like one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from chromseg.annotations.maps import label_regions
from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, I32, Bool
from chromseg.metrics import box_ious

Points = I32

_OFF_TARGET = 0.2  # share of metaphase crops centred on decoys: nuclei and debris, or anywhere on the ground
_AT_KNOTS = 0.5  # share centred where chromosomes cross or touch
_DECOY_LIGHT = 0.25  # absorbance of a decoy
_DECOY_DISTANCE = 6  # pixels from the nearest chromosome
_DECOYS = 64  # points kept of a sample


@dataclass(frozen=True)
class Places:
    """Points of a sample, int32 (R, 2) row and column each.

    Attributes:
        size: Rows and columns of the sample.
        chromosomes: In each chromosome or group of them.
        knots: In each crossing and seam, or in each box that shares pixels with another.
        decoys: On what only looks like a chromosome.
        alone: The sample is a cut-out, of which only the chromosomes count.
    """

    size: tuple[int, int]
    chromosomes: Points
    knots: Points
    decoys: Points
    alone: bool

    def centre(self, rng: np.random.Generator, size: int) -> tuple[float, float]:
        """Draw the centre of a crop of `size`: on a knot or a chromosome, shifted at random, or anywhere."""
        points = self.knots if len(self.knots) and rng.random() < _AT_KNOTS else self.chromosomes
        if not self.alone and rng.random() < _OFF_TARGET:
            points = self.decoys
        if not len(points):
            return rng.uniform(0, self.size[0]), rng.uniform(0, self.size[1])
        row, col = points[rng.integers(len(points))]
        shift = rng.uniform(-size / 4, size / 4, size=2)
        return float(row + shift[0]), float(col + shift[1])


def places_of(sample: Sample, contact: Bool) -> Places:
    """The places of a sample; `contact` bool (H, W) is its seams."""
    height, width = sample.image.shape
    alone = sample.kind == "cutout"
    if sample.boxes is not None:
        centres, knots = _centres(sample.boxes), _centres(sample.boxes[_meets_another(sample.boxes)])
        return Places((height, width), centres, knots, np.zeros((0, 2), dtype=np.int32), alone)
    knots = np.concatenate([_pixels(sample.crossing), _pixels(contact)])
    decoys = _decoys(sample.image, sample.chromosome if sample.ignored is None else sample.chromosome | sample.ignored)
    return Places((height, width), _pixels(sample.chromosome), knots, decoys, alone)


def _decoys(image: F32, chromosome: Bool) -> Points:
    """Evenly chosen pixels far from chromosomes that are as dark as one."""
    near = ndimage.binary_dilation(chromosome, iterations=_DECOY_DISTANCE)
    found = np.argwhere((image > _DECOY_LIGHT) & ~near)
    return found[:: max(1, len(found) // _DECOYS)].astype(np.int32)


def _pixels(region: Bool) -> Points:
    """The middle pixel, in row-major order, of each 8-connected region."""
    labels, count = label_regions(region)
    flat = labels.ravel()
    order = np.argsort(flat, kind="stable")
    starts = np.searchsorted(flat[order], np.arange(1, count + 2))
    middles = order[(starts[:-1] + starts[1:]) // 2] if count else np.zeros(0, dtype=np.int64)
    return np.stack(np.unravel_index(middles, region.shape), axis=1).astype(np.int32)


def _centres(boxes: F32) -> Points:
    middles: Points = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, ::-1].astype(np.int32)
    return middles


def _meets_another(boxes: F32) -> Bool:
    ious = box_ious(boxes.astype(np.float64), boxes.astype(np.float64))
    return np.asarray((ious > 0).sum(axis=1) > 1)
