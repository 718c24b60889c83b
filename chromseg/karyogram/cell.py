"""The chromosomes of one cell as a network sees them: straight, at a scale of the cell's own, with their sizes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from chromseg.arrays import F32, U8, Bool
from chromseg.boxes import window_of
from chromseg.karyogram.axis import Axis, axis_of, length_of
from chromseg.karyogram.strip import strip_of

STRIP = (128, 32)  # rows and columns
MEDIAN_ROWS = 60  # of the strip that the median chromosome of a cell takes
SIZES = 3  # figures of size a chromosome
_TONE = 0.5  # absorbance to which the median of a cell's chromosomes is brought
_FAINTEST, _INSIDE = 1e-3, 0.5
_PAD = 2  # px around a mask, so that its rim is not that of the picture

Strips = U8


@dataclass(frozen=True)
class Cell:
    """Chromosomes of one cell.

    Attributes:
        strips: uint8 (N, 2, rows, columns): absorbance × 255 within the mask, and the mask × 255, straightened; the
            median chromosome takes `MEDIAN_ROWS` rows, half the pixels absorb more than `_TONE`. Which end is up,
            nobody knows yet.
        sizes: float32 (N, 3): natural logarithms of length, mean width and area, each as a part of the cell's median.
    """

    strips: Strips
    sizes: F32


def cell_of(absorbance: F32, masks: Iterable[Bool]) -> Cell:
    """Straighten all chromosomes of a cell.

    Args:
        absorbance: float32 (H, W), the picture.
        masks: bool (H, W) each, a chromosome; they may overlap.

    Raises:
        MaskError: A mask is empty.
    """
    found = [_alone(absorbance, mask) for mask in masks]
    if not found:
        return Cell(np.zeros((0, 2, *STRIP), dtype=np.uint8), np.zeros((0, SIZES), dtype=np.float32))
    lengths = np.array([max(length_of(axis), 1.0) for _, _, axis in found])
    areas = np.array([float(mask.sum()) for _, mask, _ in found])
    scale = MEDIAN_ROWS / float(np.median(lengths))
    strips = np.stack([strip_of(picture, mask, axis, scale, STRIP) for picture, mask, axis in found])
    strips[:, 0] *= _TONE / max(float(np.median(strips[:, 0][strips[:, 1] > _INSIDE])), _FAINTEST)
    columns = [np.log(column / np.median(column)) for column in (lengths, areas / lengths, areas)]
    return Cell(np.rint(255 * np.clip(strips, 0, 1)).astype(np.uint8), np.stack(columns, axis=1).astype(np.float32))


def _alone(absorbance: F32, mask: Bool) -> tuple[F32, Bool, Axis]:
    """Picture and mask around one chromosome, and its axis there."""
    rows, cols = window_of(mask)
    window = (slice(max(rows.start - _PAD, 0), rows.stop + _PAD), slice(max(cols.start - _PAD, 0), cols.stop + _PAD))
    near = np.pad(mask[window], _PAD)
    return np.pad(absorbance[window], _PAD), near, axis_of(near)
