"""New crossings and touching pairs: real single chromosomes laid over a training crop, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from chromseg.annotations.contact import seam
from chromseg.arrays import F32, I64, Bool
from chromseg.boxes import Window, box_of
from chromseg.config import AugmentConfig
from chromseg.training.augmentation import random_warp, warp

_CROSSING_SHARE = 0.7  # of pasted chromosomes cross; the others touch
_MAX_COVERED = 0.35  # of a pasted chromosome may lie over others
_TRIES = 4
HALO = 3  # pixels of the maps around a chromosome whose blurred light belongs to its patch

GridCell = tuple[int, int]


@dataclass
class Crop:
    """A training crop while it is made: image float32 (H, W) absorbance and its maps, bool (H, W) each.

    `ignored` are pixels of which nothing is known; they stay so under what is laid over them.
    """

    image: F32
    chromosome: Bool
    crossing: Bool
    contact: Bool
    ignored: Bool | None = None


@dataclass(frozen=True)
class PlacedSingle:
    """A single that has found its place: where in the crop, its light float32 (h, w) and its mask bool (h, w) there."""

    window: Window
    light: F32
    shape: Bool


def cut_single(image: F32, mask: Bool, others: Bool, unit: int = 1) -> F32 | None:
    """A chromosome that stands free, as a patch to paste.

    Args:
        image: float32 (H, W) absorbance.
        mask: bool (H, W), the chromosome.
        others: bool (H, W), all other chromosomes.
        unit: Pixels in one pixel of the maps.

    Returns:
        float32 (2, h, w), its light (fading to 0 over the halo) and its mask; None if it is empty, or if another
        chromosome or the image's border lies within the halo.
    """
    halo = HALO * unit
    x0, y0, x1, y1 = box_of(mask)
    if not x1:
        return None
    top, left, bottom, right = y0 - halo - 1, x0 - halo - 1, y1 + halo + 1, x1 + halo + 1
    if top < 0 or left < 0 or bottom > mask.shape[0] or right > mask.shape[1]:
        return None
    window = np.s_[top:bottom, left:right]
    distance = ndimage.distance_transform_edt(~mask[window])
    if (others[window] & (distance <= halo)).any():
        return None
    fade = np.clip(1 - (distance - 1) / halo, 0, 1)
    return np.stack([image[window] * fade, mask[window]]).astype(np.float32)


def lay(rng: np.random.Generator, crop: Crop, single: F32, config: AugmentConfig, unit: int = 1) -> Crop:
    """Lay a single over the crop's chromosomes: mostly across or at the end of one, else just touching it.

    Args:
        rng: Source of chance.
        crop: Left as it is.
        single: From `cut_single`.
        config: Its zoom and flips are used; rotation is free.
        unit: Pixels in one pixel of the maps.

    Returns:
        A new crop; the same one where no place was found.
    """
    placed = find_place(rng, crop.chromosome, single, config)
    if placed is None:
        return crop
    image = blend(rng, crop.image, crop.chromosome, placed)
    chromosome, crossing, contact = crop.chromosome.copy(), crop.crossing.copy(), crop.contact.copy()
    window, shape, there = placed.window, placed.shape, crop.chromosome[placed.window]
    contact[window] = (contact[window] & ~shape) | seam(shape, there, unit)
    crossing[window] |= shape & there
    chromosome[window] |= shape
    return Crop(image, chromosome, crossing, contact, crop.ignored)


def find_place(rng: np.random.Generator, chromosome: Bool, single: F32, config: AugmentConfig) -> PlacedSingle | None:
    """Turn a single and find where it crosses or touches a chromosome; None where no place was found.

    Args:
        rng: Source of chance.
        chromosome: bool (H, W), what lies there.
        single: From `cut_single`.
        config: Its zoom and flips are used; rotation is free.
    """
    matrix = random_warp(rng, replace(config, rotation=180.0))
    height, width = single.shape[1:]
    side = int(np.hypot(height, width) * (1 + config.scale)) + 2
    light, soft = warp(single, matrix, ((height - 1) / 2, (width - 1) / 2), side)
    shape = soft >= 0.5
    for _ in range(_TRIES if shape.any() else 0):
        corner = _place(rng, chromosome, shape)
        window, part = _windows(corner, side, chromosome.shape)
        overlap = np.count_nonzero(shape[part] & chromosome[window])
        if overlap <= _MAX_COVERED * np.count_nonzero(shape):
            return PlacedSingle(window, light[part], shape[part])
    return None


def blend(rng: np.random.Generator, image: F32, chromosome: Bool, placed: PlacedSingle) -> F32:
    """The image with a single laid over it, as bright as the chromosomes there.

    Where it crosses, its light adds with the other's less than fully, as in real Q-band crossings (measured there:
    1.39 times the arms beside, 1.07-1.65 from the 5th to the 95th percentile), so between maximum and sum.

    Args:
        rng: Source of chance.
        image: float32 (H, W) absorbance, left as it is.
        chromosome: bool (H, W), what lies there already.
        placed: From `find_place`.
    """
    image, window, light = image.copy(), placed.window, placed.light
    there, below = chromosome[window], image[window]
    if placed.shape.any() and chromosome.any():
        light = light * _match(rng, image[chromosome], light[placed.shape])
    overlap = placed.shape & there
    power = np.float32(rng.uniform(1.3, 5.0))
    mixed = (below**power + light**power) ** (1 / power)
    both = ndimage.gaussian_filter(overlap.astype(np.float32), 0.7)
    image[window] = np.clip(both * mixed + (1 - both) * np.maximum(below, light), 0, 1)
    return image


def _match(rng: np.random.Generator, there: F32, here: F32) -> np.float32:
    """Gain that brings a patch near the brightness of the crop's chromosomes."""
    gain = np.median(there) / max(float(np.median(here)), 0.05)
    return np.float32(np.clip(gain, 0.3, 3) * rng.uniform(0.8, 1.25))


def _place(rng: np.random.Generator, chromosome: Bool, shape: Bool) -> GridCell:
    """Corner of the patch: a random pixel of it on a random pixel of a chromosome near the middle, or beside one."""
    half = np.array(chromosome.shape) // 2
    quarter = np.array(chromosome.shape) // 4
    middle = chromosome[quarter[0] : -quarter[0], quarter[1] : -quarter[1]]
    targets = np.argwhere(middle) + quarter
    anchors = np.argwhere(shape)
    target = targets[rng.integers(len(targets))] if len(targets) else half
    row, col = target - anchors[rng.integers(len(anchors))]
    if rng.random() < _CROSSING_SHARE or not len(targets):
        return int(row), int(col)
    return _slide_out(rng, chromosome, anchors, (int(row), int(col)))


def _slide_out(rng: np.random.Generator, chromosome: Bool, inside: I64, corner: GridCell) -> GridCell:
    """Move the patch along a random direction until it hardly overlaps anything, so that it touches."""
    angle, allowed = rng.uniform(0, 2 * np.pi), rng.integers(0, 15)
    height, width = chromosome.shape
    row, col = corner
    for step in range(min(height, width) // 2):
        row, col = corner[0] + round(step * np.sin(angle)), corner[1] + round(step * np.cos(angle))
        rows, cols = inside[:, 0] + row, inside[:, 1] + col
        seen = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        if np.count_nonzero(chromosome[rows[seen], cols[seen]]) <= allowed:
            break
    return row, col


def _windows(corner: GridCell, side: int, size: tuple[int, ...]) -> tuple[Window, Window]:
    """Where a patch lies in the crop, and which part of the patch that is; empty slices if it lies outside."""
    spans = [
        (min(max(start, 0), limit), min(max(start + side, 0), limit), start)
        for start, limit in zip(corner, size, strict=True)
    ]
    (top, bottom, row), (left, right, col) = spans
    crop = (slice(top, bottom), slice(left, right))
    return crop, (slice(top - row, bottom - row), slice(left - col, right - col))
