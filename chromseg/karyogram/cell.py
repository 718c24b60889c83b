"""The chromosomes of one cell as a network sees them: straight, alike in scale and contrast, with their figures.

Contracted chromosomes are short and thick, and stain and light differ from slide to slide and within a cell. So lengths
and widths are brought to those of the cell's median, each chromosome to a tone and a contrast of its own; how it
differs from the others in all these goes along in figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from chromseg.arrays import F32, F64, U8, Bool
from chromseg.karyogram.axis import length_of
from chromseg.karyogram.strip import alone, strip_of

STRIP = (128, 32)  # rows and columns
MEDIAN_ROWS, MEDIAN_COLUMNS = 60, 14  # of the strip that the median chromosome of a cell takes
FIGURES = 5  # a chromosome
_TONE, _CONTRAST = 0.5, 0.18  # mean absorbance of each chromosome, and its standard deviation
_FAINTEST, _FLATTEST, _INSIDE = 1e-3, 1e-2, 0.5

Strips = U8


@dataclass(frozen=True)
class Cell:
    """Chromosomes of one cell.

    Attributes:
        strips: uint8 (N, 2, rows, columns): absorbance × 255 within the mask, and the mask × 255, straightened; the
            median chromosome takes `MEDIAN_ROWS` rows and `MEDIAN_COLUMNS` columns, the absorbance of each has mean
            `_TONE` and standard deviation `_CONTRAST`. Which end is up, nobody knows yet.
        figures: float32 (N, 5): natural logarithms of length, mean width, area, mean absorbance and its standard
            deviation, each as a part of the cell's median.
    """

    strips: Strips
    figures: F32


def cell_of(absorbance: F32, masks: Iterable[Bool]) -> Cell:
    """Straighten all chromosomes of a cell.

    Args:
        absorbance: float32 (H, W), the picture.
        masks: bool (H, W) each, a chromosome; they may overlap.

    Raises:
        MaskError: A mask is empty.
    """
    found = [alone(absorbance, mask) for mask in masks]
    if not found:
        return Cell(np.zeros((0, 2, *STRIP), dtype=np.uint8), np.zeros((0, FIGURES), dtype=np.float32))
    lengths = np.array([max(length_of(axis), 1.0) for _, _, axis in found])
    areas = np.array([float(mask.sum()) for _, mask, _ in found])
    scale = (MEDIAN_ROWS / float(np.median(lengths)), MEDIAN_COLUMNS / float(np.median(areas / lengths)))
    strips = np.stack([strip_of(picture, mask, axis, scale, STRIP) for picture, mask, axis in found])
    tones, contrasts = np.array([_tone(strip) for strip in strips]).T
    columns = [np.log(column / np.median(column)) for column in (lengths, areas / lengths, areas, tones, contrasts)]
    return Cell(_even(strips, tones, contrasts), np.stack(columns, axis=1).astype(np.float32))


def _tone(strip: F32) -> tuple[float, float]:
    """Mean and standard deviation of the absorbance of a strip float32 (2, rows, columns), neither of them 0."""
    known = strip[1] > _INSIDE
    inside = strip[0][known] / strip[1][known]
    if not inside.size:
        return _FAINTEST, _FLATTEST
    return max(float(inside.mean()), _FAINTEST), max(float(inside.std()), _FLATTEST * float(inside.mean()), _FAINTEST)


def _even(strips: F32, tones: F64, contrasts: F64) -> Strips:
    """Strips float32 (N, 2, rows, columns) of one tone and contrast, as uint8."""
    inside = strips[:, 1]
    gain = _CONTRAST / contrasts[:, None, None]
    strips[:, 0] = gain * (strips[:, 0] - tones[:, None, None] * inside) + _TONE * inside
    return np.asarray(np.rint(255 * np.clip(strips, 0, 1)), dtype=np.uint8)
