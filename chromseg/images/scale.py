"""Bringing pictures and masks to another size, and the factor between chromosomes of two widths."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from chromseg.arrays import F32, Bool
from chromseg.boxes import window_of
from chromseg.images.reduction import by_means

AS_IT_IS = (0.7, 1.4)  # factors within what training has seen: resizing would only blur
ALWAYS = (1.0, 1.0)  # for a network that has seen chromosomes of one width alone
_HALF = 0.5 - 1e-4  # many pixels of a resized mask are one half but for rounding


def factor_between(width: float | None, wanted: float | None, as_it_is: tuple[float, float] = AS_IT_IS) -> float:
    """Factor from chromosomes of one width to another; 1 where either is unknown, or the factor lies in `as_it_is`."""
    if not width or not wanted:
        return 1.0
    factor = wanted / width
    return 1.0 if as_it_is[0] <= factor <= as_it_is[1] else factor


def resize(image: F32, factor: float) -> F32:
    """Resize float32 (H, W) by a factor, smoothed before it is made smaller."""
    if factor == 1.0:
        return image
    return _resized(image, resized_shape(image.shape, factor))


def resized_shape(shape: tuple[int, ...], factor: float) -> tuple[int, int]:
    """The size of what `resize` makes of a picture (H, W)."""
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def resize_mask(mask: Bool, shape: tuple[int, ...], extent: tuple[float, ...] | None = None) -> Bool:
    """Bring a mask bool (h, w) to another size (H, W); its border is where linear interpolation crosses one half.

    Only the surroundings of the mask are looked at: a chromosome is a hundredth of its picture.

    Args:
        mask: bool (h, w).
        shape: (H, W).
        extent: Rows and columns of the mask that become all of `shape`, from the first on, if these are not all of it,
            as of `extent_in`; what they have beyond the mask is as its rim.
    """
    extent = extent or mask.shape
    if mask.shape == shape == extent:
        return mask
    resized = np.zeros(shape, dtype=bool)
    if not mask.any():
        return resized
    factors = tuple(new / old for new, old in zip(shape, extent, strict=True))
    rows, cols = window_of(mask)
    top, bottom = _stretch(rows, factors[0], shape[0])
    left, right = _stretch(cols, factors[1], shape[1])
    source = (left / factors[1], top / factors[0], right / factors[1], bottom / factors[0])
    below, beside = max(math.ceil(source[3]) - mask.shape[0], 0), max(math.ceil(source[2]) - mask.shape[1], 0)
    picture = Image.fromarray(np.pad(mask, ((0, below), (0, beside)), mode="edge").astype(np.float32))
    part = picture.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=source)
    resized[top:bottom, left:right] = np.asarray(part) >= _HALF
    return resized


def _stretch(side: slice, factor: float, size: int) -> tuple[int, int]:
    """Where pixels that are resized by a factor come to lie on a side of `size` pixels, and all that they may reach."""
    reach = 1 + factor
    return max(math.floor(side.start * factor - reach), 0), min(math.ceil(side.stop * factor + reach), size)


def filled_up(image: F32, step: int) -> F32:
    """Repeat the last row and column of float32 (H, W) until both sides divide by `step`."""
    height, width = image.shape
    return np.pad(image, ((0, -height % step), (0, -width % step)), mode="edge")


def coarse(image: F32, fine: int) -> F32:
    """The means of squares of `fine` pixels: float32 (H, W) → (⌈H / fine⌉, ⌈W / fine⌉)."""
    return np.asarray(by_means(filled_up(image, fine), fine))


def coarse_shape(shape: tuple[int, ...], fine: int) -> tuple[int, int]:
    """The size of what `coarse` makes of a picture of a size."""
    return -(-shape[0] // fine), -(-shape[1] // fine)


def extent_in(coarse_size: tuple[int, ...], shape: tuple[int, ...]) -> tuple[float, float]:
    """How far a picture (H, W) reaches in what is as coarse as a network answers, (h, w): rows and columns.

    Where `coarse` filled a side up, its last cells lie half beyond the picture.
    """
    fine = _fineness(shape, coarse_size)
    return (shape[0] / fine, shape[1] / fine) if fine else (float(coarse_size[0]), float(coarse_size[1]))


def extent_of(picture: tuple[int, ...], coarse_size: tuple[int, ...], seen: tuple[int, ...]) -> tuple[float, float]:
    """What of a picture, (h, w), becomes all of what a network answers of it, (H, W), which saw it at a size `seen`.

    The other way round than `extent_in`: more than all of it, where `coarse` filled a side up.
    """
    rows, cols = extent_in(coarse_size, seen)
    return picture[0] * coarse_size[0] / rows, picture[1] * coarse_size[1] / cols


def as_large_as(shape: tuple[int, ...], image: F32) -> F32:
    """Bring float32 (H, W) to a size (h, w): the means of squares where it is so many times finer, else resized."""
    fine = _fineness(image.shape, shape)
    return coarse(image, fine) if fine else _resized(image, shape)


def _fineness(shape: tuple[int, ...], coarse_size: tuple[int, ...]) -> int | None:
    """How many times finer a picture (H, W) is than what `coarse` makes of it, (h, w); None if that is not its size."""
    fine = max(1, round(shape[0] / coarse_size[0]))
    return fine if coarse_shape(shape, fine) == tuple(coarse_size) else None


def _resized(image: F32, shape: tuple[int, ...]) -> F32:
    picture = Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(np.clip(np.asarray(picture), 0, 1), dtype=np.float32)
