"""From probabilities to the maps that stage 2 partitions: thresholds, and smooth outlines without specks and holes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial import distance_matrix

from chromseg.annotations.clusters import regions_of_at_least
from chromseg.annotations.maps import label_regions
from chromseg.arrays import F32, Bool
from chromseg.errors import MaskError
from chromseg.images.blobs import without_blobs

_SHARP_EDGE = 0.06  # absorbance
_SPREAD = 12  # regions: fewer are no spread
_NEIGHBOURS = 3  # near regions that make one part of the spread: debris comes in twos


@dataclass(frozen=True)
class PostprocessSettings:
    """Chosen on validation cases; kept in a model's card.

    Attributes:
        chromosome: Least probability of a chromosome pixel.
        crossing: Least probability of a crossing pixel.
        contact: Whether the seams that the network sees between touching chromosomes help to part them.
        mean: A region of the chromosome map must reach this probability on average; scraps of nuclei do not.
        crossing_peak: A crossing region must reach this probability somewhere.
        smooth: Gaussian sigma, in pixels, over the crossing probabilities; 0 smooths nothing.
        smooth_chromosome: The same over the chromosome probabilities (cross-validation: mAP 0.690 with 0.7, 0.674
            without).
        min_crossing: Smaller crossing regions, in pixels, are dropped.
        min_chromosome: Smaller regions of the chromosome map, in pixels, are dropped (validation: 2 of 985 chromosomes
            that were found are so small, and 10 of 56 inventions).
        max_half_width: Whatever is thicker than twice this, in pixels, is a nucleus or debris and taken out of the
            chromosome map; 0 takes nothing out. The thickest cluster of the `bioimlab` training cases has 13.
        max_apart: A region is a stray, debris or of another cell, and dropped, if its third nearest region is farther
            than this many times the root of its area (or of the median area, if that is smaller); 0 drops none.
        max_hole: Larger holes in the chromosome map are ground between arms and stay; crossings keep none.
    """

    chromosome: float = 0.6
    crossing: float = 0.4
    contact: bool = False
    mean: float = 0.8
    crossing_peak: float = 0.5
    smooth: float = 0.0
    smooth_chromosome: float = 0.7
    min_crossing: int = 20
    min_chromosome: int = 90
    max_half_width: float = 20.0
    max_apart: float = 12.0
    max_hole: int = 6


@dataclass(frozen=True)
class BinaryMaps:
    """The maps of one image, bool (H, W) each but contact; crossing and contact lie within chromosome.

    Attributes:
        chromosome: On any chromosome, crossings included.
        crossing: Where two chromosomes overlap.
        contact: float32 (H, W), probability of a seam between touching chromosomes; None if the network draws none, or
            it is ignored.
    """

    chromosome: Bool
    crossing: Bool
    contact: F32 | None


def binarize(
    probabilities: F32, settings: PostprocessSettings = PostprocessSettings(), image: F32 | None = None
) -> BinaryMaps:
    """Decide which pixels are chromosome, crossing and seam.

    In a cut-out whose ground somebody has removed, the chromosome map is what was left, whatever the network says.

    Args:
        probabilities: float32 (M, H, W) within 0–1, in this order: chromosome, crossing and, if M is 3, contact.
        settings: Thresholds and sizes.
        image: float32 (H, W) absorbance, to tell a plain ground from a real one; None takes it for real.

    Returns:
        The maps; all False where nothing was found.

    Raises:
        MaskError: M is neither 2 nor 3.
    """
    if probabilities.ndim != 3 or len(probabilities) not in (2, 3):
        raise MaskError(
            f"probabilities of shape {probabilities.shape}",
            expected="(2 or 3, H, W): chromosome, crossing and perhaps contact",
            remedy="stack the maps of one image",
        )
    if image is not None and has_plain_ground(image):
        chromosome = np.asarray(image > 0)
    else:
        chromosome = fill_small_holes(probabilities[0] >= settings.chromosome, settings.max_hole)
        chromosome = without_blobs(chromosome, settings.max_half_width, image)
        chromosome = regions_of_at_least(chromosome, settings.min_chromosome)
        chromosome = _where(chromosome, probabilities[0], settings.mean, ndimage.mean)
        chromosome = without_strays(chromosome, settings.max_apart)
    crossing = _crossings(probabilities[1], settings) & chromosome
    contact = None
    if len(probabilities) == 3 and settings.contact:
        contact = np.where(chromosome & ~crossing, probabilities[2], 0).astype(np.float32)
    return BinaryMaps(chromosome, crossing, contact)


def smoothed(probabilities: F32, settings: PostprocessSettings) -> F32:
    """Take the noise of single pixels out of probabilities: thresholds then give even outlines.

    Args:
        probabilities: float32 (M, H, W) as of `binarize`.
        settings: Sigmas for chromosome and crossing.
    """
    smooth = probabilities.copy()
    for plane, sigma in zip(smooth, (settings.smooth_chromosome, settings.smooth), strict=False):
        if sigma:
            plane[:] = ndimage.gaussian_filter(plane, sigma)
    return smooth


def has_plain_ground(image: F32) -> bool:
    """Whether the ground of a picture was replaced by nothing, as in cut-outs of single clusters.

    Then absorbance falls off to exactly 0 within one pixel; on a real ground it fades out. Over the validation cases
    of `bioimlab` the median of the last pixels above 0 is 0.11 or more in cut-outs, 0.013 or less in metaphases.

    Args:
        image: float32 (H, W) absorbance.
    """
    ground = image <= 0
    last = image[~ground & ndimage.binary_dilation(ground)]
    return bool(last.size) and float(np.median(last)) >= _SHARP_EDGE


def fill_small_holes(region: Bool, area: int) -> Bool:
    """Fill holes of at most `area` pixels in bool (H, W)."""
    labels, count = ndimage.label(~region)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    small = sizes <= area
    small[np.append(border, 0)] = False
    return np.asarray(region | small[labels])


def without_strays(region: Bool, max_apart: float) -> Bool:
    """Take out of a chromosome map the regions that lie apart from the others, small ones sooner than large.

    Where there are too few regions to tell a spread, all stay.

    Args:
        region: bool (H, W).
        max_apart: As in `PostprocessSettings`.
    """
    labels, count = label_regions(region)
    if not max_apart or count < _SPREAD:
        return region
    area = np.bincount(labels.ravel())[1:]
    centres = np.array(ndimage.center_of_mass(region, labels, np.arange(1, count + 1)))
    nearest = np.sort(distance_matrix(centres, centres), axis=1)
    apart = nearest[:, _NEIGHBOURS] / np.sqrt(np.minimum(area, np.median(area)))
    return np.asarray(np.append(False, apart <= max_apart)[labels])


def _crossings(probability: F32, settings: PostprocessSettings) -> Bool:
    region = ndimage.binary_fill_holes(probability >= settings.crossing)
    region = regions_of_at_least(np.asarray(region), settings.min_crossing)
    return _where(region, probability, settings.crossing_peak, ndimage.maximum)


def _where(region: Bool, probability: F32, least: float, statistic: Callable[..., Any]) -> Bool:
    """Keep the 8-connected regions in which a statistic of the probability is at least `least`."""
    labels, count = label_regions(region)
    if not count:
        return region
    inside = labels > 0  # a statistic of labels sorts all that it is given
    values = np.asarray(statistic(probability[inside], labels[inside], np.arange(1, count + 1)))
    return np.asarray(np.append(False, values >= least)[labels])
