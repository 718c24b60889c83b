"""A chromosome pulled straight: its pixels in rows along its axis."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from chromseg.arrays import F32, F64, Bool
from chromseg.boxes import grown, window_of
from chromseg.karyogram.axis import STEP, Axis, axis_of, length_of

_PAD = 2  # px around a mask, so that its rim is not that of the picture


def alone(absorbance: F32, mask: Bool) -> tuple[F32, Bool, Axis]:
    """The picture float32 and the mask bool around one chromosome of a picture (H, W), and its axis there.

    Raises:
        MaskError: The mask is empty.
    """
    window = grown(window_of(mask), _PAD)
    near = np.pad(mask[window], _PAD)
    return np.pad(absorbance[window], _PAD), near, axis_of(near)


def strip_of(absorbance: F32, mask: Bool, axis: Axis, scale: tuple[float, float], size: tuple[int, int]) -> F32:
    """Lay a chromosome along the middle column of a strip, the middle of its axis in the middle row.

    Args:
        absorbance: float32 (H, W), the picture.
        mask: bool (H, W), its pixels; all others are left out.
        axis: Of `axis_of`.
        scale: Pixels of the strip to one of the picture, along the axis and across.
        size: Rows and columns of the strip.

    Returns:
        float32 (2, rows, columns): absorbance within the mask, and the mask, 0–1, bilinear.
    """
    rows, cols = (
        (np.arange(count, dtype=np.float64) - (count - 1) / 2) / each for count, each in zip(size, scale, strict=True)
    )
    middles, ways = _walk(axis, rows)
    across = ways[:, ::-1] * (-1, 1)
    places = middles[:, None] + cols[:, None] * across[:, None]
    inside = _read(mask.astype(np.float32), places)
    return np.stack([_read(np.where(mask, absorbance, 0), places), inside])


def _walk(axis: Axis, places: F64) -> tuple[F64, F64]:
    """Points at distances float64 (R,) from the middle of the axis, straight on beyond its ends, and the ways there.

    Returns:
        Twice float64 (R, 2).
    """
    half = length_of(axis) / 2
    known = np.linspace(-half, half, len(axis))
    middles = np.stack([np.interp(places, known, axis[:, side]) for side in (0, 1)], axis=1)
    ways = _ways(axis)
    near = np.clip(np.searchsorted(known, places), 0, len(axis) - 1)
    beyond = places - np.clip(places, -half, half)
    return middles + beyond[:, None] * ways[near], ways[near]


def _ways(axis: Axis) -> F64:
    """The direction of the axis at each of its points, float64 (P, 2) of length 1."""
    reach = min(round(1.5 / STEP), (len(axis) - 1) // 2) or 1
    smooth = ndimage.gaussian_filter1d(np.gradient(axis, axis=0), reach, axis=0, mode="nearest")
    return np.asarray(smooth / np.maximum(np.hypot(*smooth.T), 1e-9)[:, None])


def _read(plane: F32, places: F64) -> F32:
    """Values of a plane float32 (H, W) at places float64 (R, C, 2): float32 (R, C), 0 outside."""
    return np.asarray(ndimage.map_coordinates(plane, np.moveaxis(places, -1, 0), order=1, output=np.float32))
