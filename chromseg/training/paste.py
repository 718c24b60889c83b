"""New crossings and touching pairs: real single chromosomes laid over a training crop, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations.absorbance import FloatArray
from chromseg.annotations.rasterize import BoolArray
from chromseg.config import AugmentConfig
from chromseg.training.augmentation import random_warp, warp
from chromseg.training.contact import seam

_CROSSING_SHARE = 0.7  # of pasted chromosomes cross; the others touch
_MAX_COVERED = 0.35  # of a pasted chromosome may lie over others
_TRIES = 4
HALO = 3  # pixels of blurred light around a chromosome that belong to its patch

Cell = tuple[int, int]
Window = tuple[slice, slice]


@dataclass
class Crop:
    """A training crop while it is made: image float32 (H, W) absorbance and its maps, bool (H, W) each."""

    image: FloatArray
    chromosome: BoolArray
    crossing: BoolArray
    contact: BoolArray


def cut_single(image: FloatArray, mask: BoolArray, others: BoolArray) -> FloatArray | None:
    """A chromosome that stands free, as a patch to paste.

    Args:
        image: float32 (H, W) absorbance.
        mask: bool (H, W), the chromosome.
        others: bool (H, W), all other chromosomes.

    Returns:
        float32 (2, h, w), its light (fading to 0 over the halo) and its mask; None if it is empty, or if another
        chromosome or the image's border lies within the halo.
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    top, left, bottom, right = rows[0] - HALO - 1, cols[0] - HALO - 1, rows[-1] + HALO + 2, cols[-1] + HALO + 2
    if top < 0 or left < 0 or bottom > mask.shape[0] or right > mask.shape[1]:
        return None
    window = np.s_[top:bottom, left:right]
    distance = ndimage.distance_transform_edt(~mask[window])
    if (others[window] & (distance <= HALO)).any():
        return None
    fade = np.clip(1 - (distance - 1) / HALO, 0, 1)
    return np.stack([image[window] * fade, mask[window]]).astype(np.float32)


def lay(rng: np.random.Generator, crop: Crop, single: FloatArray, config: AugmentConfig) -> Crop:
    """Lay a single over the crop's chromosomes: mostly across or at the end of one, else just touching it.

    Where it crosses, its light adds with the other's less than fully, as in real Q-band crossings (measured there:
    1.39 times the arms beside, 1.07-1.65 from the 5th to the 95th percentile), so between maximum and sum.

    Args:
        rng: Source of chance.
        crop: Left as it is.
        single: From `cut_single`.
        config: Its zoom and flips are used; rotation is free.

    Returns:
        A new crop; the same one where no place was found.
    """
    matrix = random_warp(rng, replace(config, rotation=180.0))
    height, width = single.shape[1:]
    side = int(np.hypot(height, width) * (1 + config.scale)) + 2
    light, soft = warp(single, matrix, ((height - 1) / 2, (width - 1) / 2), side)
    shape = soft >= 0.5
    for _ in range(_TRIES if shape.any() else 0):
        corner = _place(rng, crop.chromosome, shape)
        window, part = _windows(corner, side, crop.image.shape[0])
        overlap = np.count_nonzero(shape[part] & crop.chromosome[window])
        if overlap <= _MAX_COVERED * np.count_nonzero(shape):
            return _laid(rng, crop, window, light[part], shape[part])
    return crop


def _laid(rng: np.random.Generator, crop: Crop, window: Window, light: FloatArray, shape: BoolArray) -> Crop:
    """The crop with light and shape (h, w) laid over the window, whose size they have."""
    image, chromosome = crop.image.copy(), crop.chromosome.copy()
    crossing, contact = crop.crossing.copy(), crop.contact.copy()
    there, below = chromosome[window], image[window]
    if shape.any() and chromosome.any():
        light = light * _match(rng, image[chromosome], light[shape])
    overlap = shape & there
    power = np.float32(rng.uniform(1.3, 5.0))
    mixed = (below**power + light**power) ** (1 / power)
    both = ndimage.gaussian_filter(overlap.astype(np.float32), 0.7)
    image[window] = np.clip(both * mixed + (1 - both) * np.maximum(below, light), 0, 1)
    contact[window] = (contact[window] & ~shape) | seam(shape, there)
    crossing[window] |= overlap
    chromosome[window] |= shape
    return Crop(image, chromosome, crossing, contact)


def _match(rng: np.random.Generator, there: FloatArray, here: FloatArray) -> np.float32:
    """Gain that brings a patch near the brightness of the crop's chromosomes."""
    gain = np.median(there) / max(float(np.median(here)), 0.05)
    return np.float32(np.clip(gain, 0.3, 3) * rng.uniform(0.8, 1.25))


def _place(rng: np.random.Generator, chromosome: BoolArray, shape: BoolArray) -> Cell:
    """Corner of the patch: a random pixel of it on a random pixel of a chromosome near the middle, or beside one."""
    size = chromosome.shape[0]
    quarter = size // 4
    targets = np.argwhere(chromosome[quarter:-quarter, quarter:-quarter]) + quarter
    anchors = np.argwhere(shape)
    target = targets[rng.integers(len(targets))] if len(targets) else np.array([size // 2, size // 2])
    row, col = target - anchors[rng.integers(len(anchors))]
    if rng.random() < _CROSSING_SHARE or not len(targets):
        return int(row), int(col)
    return _slide_out(rng, chromosome, anchors, (int(row), int(col)))


def _slide_out(rng: np.random.Generator, chromosome: BoolArray, inside: npt.NDArray[np.int64], corner: Cell) -> Cell:
    """Move the patch along a random direction until it hardly overlaps anything, so that it touches."""
    angle, allowed = rng.uniform(0, 2 * np.pi), rng.integers(0, 15)
    size = chromosome.shape[0]
    row, col = corner
    for step in range(size // 2):
        row, col = corner[0] + round(step * np.sin(angle)), corner[1] + round(step * np.cos(angle))
        rows, cols = inside[:, 0] + row, inside[:, 1] + col
        seen = (rows >= 0) & (rows < size) & (cols >= 0) & (cols < size)
        if np.count_nonzero(chromosome[rows[seen], cols[seen]]) <= allowed:
            break
    return row, col


def _windows(corner: Cell, side: int, size: int) -> tuple[Window, Window]:
    """Where a patch lies in the crop, and which part of the patch that is; empty slices if it lies outside."""
    spans = [(min(max(start, 0), size), min(max(start + side, 0), size), start) for start in corner]
    (top, bottom, row), (left, right, col) = spans
    crop = (slice(top, bottom), slice(left, right))
    return crop, (slice(top - row, bottom - row), slice(left - col, right - col))
