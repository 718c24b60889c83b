"""One chromosome: a bent centre line, two sister chromatids along it, bands across them, a waist at the centromere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from chromseg.arrays import F64, Bool
from chromseg.images.absorbance import Polarity
from chromseg.synthesis.karyotype import ChromosomeType

_WOBBLE = 0.06  # relative spread of thickness along a chromatid
_GRAIN = 4.25  # brings noise smoothed by 1.2 px back to a spread of 1
_STEP = 0.5  # px between points of a centre line
_MEAN_LENGTH = 132  # Mb of a chromosome of a diploid cell
_FULL_LENGTH = 249  # Mb of chromosome 1
_NARROWEST = 9  # px
_EDGE = 0.12  # absorbance of the thin rim of a chromatid, as a share of its middle


@dataclass(frozen=True)
class Preparation:
    """How the chromosomes of one case come out: culture, spreading and stain. Lengths in pixels, angles in radians."""

    scale: float  # px a Mb
    width: float  # across both chromatids
    bend: float  # spread of the smooth turning of an arm
    kink: float  # spread of the sharp turning at the centromere
    cleft: float  # distance of the chromatids' middles over their thickness; 0 hides the two, 1 parts them
    dome: float  # shape of a chromatid across: 0.5 a round rod, more when its stain gathers in the middle
    waist: float  # share of the width lost at the centromere
    contrast: float  # share of the absorbance that bands modulate
    spread: float  # relative spread of stain between chromosomes
    grain: float  # relative spread of stain from pixel to pixel
    patches: float  # relative spread of stain along a chromosome, beyond its bands
    shadowing: float  # how far a shining chromosome dims what lies below it; 0: absorbance or light just adds
    banding: Polarity  # dark-on-light: Giemsa bands; light-on-dark: quinacrine bands

    def fitted(self, size: tuple[int, int], count: int) -> Preparation:
        """The same at a lower magnification where `count` chromosomes would crowd an image of `size`.

        Never below the width that a crossing of 40 px needs.
        """
        longest = _FULL_LENGTH * self.scale
        covered = count * _MEAN_LENGTH * self.scale * self.width
        zoom = min(1, 0.7 * min(size) / longest, (0.22 * size[0] * size[1] / covered) ** 0.5)
        zoom = min(1, max(zoom, _NARROWEST / self.width))
        return replace(self, scale=self.scale * zoom, width=self.width * zoom)


@dataclass(frozen=True)
class Drawing:
    """A drawn chromosome: a patch and its place in the scene, which it may leave.

    Attributes:
        row: Scene row of the patch's first row; `col` likewise.
        col: Scene column of the patch's first column.
        mask: bool (h, w), exact truth.
        absorbance: float64 (h, w), above 0 exactly on the mask.
        axis: float64 (n, 2), centre line in scene (row, col), from the end of the short arm.
    """

    row: int
    col: int
    mask: Bool
    absorbance: F64
    axis: F64

    @property
    def bottom(self) -> int:
        """Scene row after the patch's last."""
        return self.row + len(self.mask)

    @property
    def right(self) -> int:
        """Scene column after the patch's last."""
        return self.col + int(self.mask.shape[1])

    def moved(self, rows: int, cols: int) -> Drawing:
        """The same drawing elsewhere."""
        return replace(self, row=self.row + rows, col=self.col + cols, axis=self.axis + np.array([rows, cols]))


def draw_preparation(rng: np.random.Generator, polarity: Polarity) -> Preparation:
    """Choose a case's preparation: ranges as measured on Q-band (light on dark) and seen on G-band images."""
    g_band = polarity == "dark-on-light"
    middle, typical = (13.2, 4.6) if g_band else (12.8, 3.4)  # width, and mean length over it
    width = float(np.clip(rng.lognormal(np.log(middle), 0.18), _NARROWEST, 19))
    slenderness = typical * (middle / width) ** 0.5 * rng.lognormal(0, 0.18)
    return Preparation(
        scale=width * slenderness / _MEAN_LENGTH,
        width=width,
        bend=rng.uniform(0.15, 0.5) if g_band else rng.uniform(0.05, 0.3),
        kink=rng.uniform(0.05, 0.3),
        cleft=rng.uniform(0.35, 0.75) if g_band else rng.uniform(0.35, 0.9),
        dome=0.5 if g_band else rng.uniform(0.4, 0.8),
        waist=rng.uniform(0.08, 0.25) if g_band else rng.uniform(0.15, 0.5),
        contrast=rng.uniform(0.5, 0.8) if g_band else rng.uniform(0.25, 0.65),
        spread=0.08 if g_band else rng.uniform(0.04, 0.14),
        grain=0.1 if g_band else rng.uniform(0.06, 0.14),
        patches=0.0 if g_band else rng.uniform(0.02, 0.2),
        shadowing=0.0 if g_band else rng.uniform(0.5, 2.2),
        banding=polarity,
    )


def draw_chromosome(
    rng: np.random.Generator, kind: ChromosomeType, preparation: Preparation, heading: float
) -> Drawing:
    """Draw one chromosome whose middle points to `heading`, its patch close to the scene's origin.

    Args:
        rng: Source of its bends and small irregularities; bands and proportions come from `kind` alone.
        kind: Type of chromosome.
        preparation: Look of its case.
        heading: Direction of the centre line at mid-length, in radians from down (rows) to right (columns).
    """
    length = max(kind.length * preparation.scale * rng.normal(1, 0.04), 1.3 * preparation.width)
    waist_at = length * kind.centromere / kind.length
    axis, headings = _centre_line(rng, length, waist_at, preparation, heading)
    corner = np.floor(axis.min(axis=0) - preparation.width).astype(int)
    far = np.ceil(axis.max(axis=0) + preparation.width).astype(int)
    along, across = _body_coordinates(axis, headings, corner, far, preparation.width)
    absorbance = _chromatids(rng, kind, preparation, length, waist_at, along, across)
    mask = absorbance > 0
    return Drawing(int(corner[0]), int(corner[1]), mask, absorbance, axis)


def _centre_line(
    rng: np.random.Generator, length: float, waist_at: float, preparation: Preparation, heading: float
) -> tuple[F64, F64]:
    """Points (n, 2) every half pixel and the heading at each (n,): low harmonics and a kink, never too tight."""
    s = np.arange(0, length + _STEP, _STEP)
    slender = min(length / (6 * preparation.width), 1.5)  # short chromosomes stay straight
    turning = np.zeros_like(s)
    for harmonic in (1, 2, 3):
        swing = rng.normal(0, preparation.bend * slender / harmonic)
        turning += swing * np.cos(np.pi * harmonic * s / length + rng.uniform(0, 2 * np.pi))
    turning += rng.normal(0, preparation.kink) * np.tanh((s - waist_at) / (0.4 * preparation.width))
    tightest = _STEP / (0.8 * preparation.width)
    headings = np.cumsum(np.clip(np.diff(turning, prepend=turning[:1]), -tightest, tightest))
    headings += heading - headings[len(s) // 2]
    return np.cumsum(_STEP * np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0), headings


def _body_coordinates(axis: F64, headings: F64, corner: F64, far: F64, reach: float) -> tuple[F64, F64]:
    """Of every patch pixel, the distance along the centre line (beyond its ends too) and across it, px (h, w).

    Pixels further than `reach` from the line are infinitely far across it.
    """
    pixels = np.moveaxis(np.mgrid[corner[0] : far[0] + 1, corner[1] : far[1] + 1], 0, -1).astype(np.float64)
    distance, nearest = cKDTree(axis).query(pixels, distance_upper_bound=reach)
    nearest = np.minimum(nearest, len(axis) - 1)
    offset = pixels - axis[nearest]  # h, w, 2
    cosine, sine = np.cos(headings[nearest]), np.sin(headings[nearest])
    along = nearest * _STEP + offset[..., 0] * cosine + offset[..., 1] * sine
    across = offset[..., 1] * cosine - offset[..., 0] * sine
    return along, np.where(np.isinf(distance), np.inf, across)


def _chromatids(
    rng: np.random.Generator,
    kind: ChromosomeType,
    preparation: Preparation,
    length: float,
    waist_at: float,
    along: F64,
    across: F64,
) -> F64:
    """Absorbance (h, w) of two banded rods side by side, their ends round and drawn together."""
    width = preparation.width
    girth = 1 - preparation.waist * np.exp(-(((along - waist_at) / (0.35 * width)) ** 2))
    to_end = np.maximum(np.minimum(along, length - along), 0)
    girth = girth * (1 - 0.2 * np.exp(-((to_end / (0.25 * width)) ** 2)))
    bands = _contrasted(kind.g_bands if preparation.banding == "dark-on-light" else kind.q_bands)
    wobbles = max(int(2 * length / width), 2)
    absorbance = np.zeros_like(along)
    for side in (-1, 1):
        thickness = girth * _varied(rng, along, length, wobbles, _WOBBLE) * width / (1 + preparation.cleft)
        radius, apart = thickness / 2, preparation.cleft * thickness / 2
        beyond = np.maximum(np.maximum(radius - along, along - (length - radius)), 0)
        depth = 1 - (((across - side * apart) ** 2 + beyond**2) / radius**2)
        step = (along + rng.normal(0, 0.4)) / length * len(bands) - 0.5
        stained = 1 - preparation.contrast * (1 - np.interp(step, np.arange(len(bands)), bands))
        rod = (_EDGE + (1 - _EDGE) * np.maximum(depth, 0) ** preparation.dome) * stained
        absorbance = np.maximum(absorbance, np.where(depth > 0, rod, 0))
    if preparation.patches:
        absorbance *= np.clip(_varied(rng, along, length, int(length / width) + 2, preparation.patches), 0.5, 1.6)
    grain = preparation.grain * _GRAIN * ndimage.gaussian_filter(rng.normal(0, 1, along.shape), 1.2)
    return np.asarray(absorbance * np.clip(1 + grain, 0.5, 1.5) * np.clip(rng.normal(1, preparation.spread), 0.5, 1.6))


def _contrasted(bands: F64) -> F64:
    """Bands as a metaphase shows them: neighbours run together, what is left is either dark or pale."""
    smooth = ndimage.gaussian_filter1d(bands, 1.0)
    return np.asarray(0.5 + 0.5 * np.tanh(3 * (smooth - smooth.mean())))


def _varied(rng: np.random.Generator, along: F64, length: float, knots: int, spread: float) -> F64:
    """A factor (h, w) that varies smoothly along a chromosome, about 1."""
    values = rng.normal(1, spread, size=knots)
    return np.asarray(np.interp(along / length * (knots - 1), np.arange(knots), values))
