"""The cells that a classifier of chromosomes learns from: straightened chromosomes and their classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, I64, Bool
from chromseg.errors import DataError
from chromseg.karyogram.cell import Cell, cell_of
from chromseg.synthesis.box_singles import box_singles, tightened, window

_LEAST_AREA = 30  # px; a smaller mask is a splinter

Classes = I64


@dataclass(frozen=True)
class NamedCell:
    """Chromosomes whose classes are known.

    Attributes:
        cell: The chromosomes.
        labels: int64 (N,), classes from 0.
        clean: bool (N,), whether the outline is known; that of a box with neighbours in it is a guess.
    """

    cell: Cell
    labels: Classes
    clean: Bool


def named_cell(sample: Sample) -> NamedCell:
    """Cut the chromosomes of a sample out alone and straighten them.

    Raises:
        DataError: The sample has no classes.
    """
    if sample.labels is None:
        raise DataError(
            f"sample {sample.name} without classes",
            expected="boxes or masks with the classes of chromosomes",
            remedy="train on a dataset such as cil24 or mfish",
        )
    if sample.masks is not None:
        masks, clean = sample.masks, np.ones(len(sample.masks), dtype=bool)
    else:
        assert sample.boxes is not None
        masks, clean = masks_in_boxes(sample.image, sample.boxes)
    kept = masks.sum(axis=(1, 2)) >= _LEAST_AREA
    return NamedCell(cell_of(sample.image, masks[kept]), sample.labels[kept] - 1, clean[kept])


def masks_in_boxes(absorbance: F32, boxes: F32) -> tuple[Bool, Bool]:
    """The chromosome of each box.

    Args:
        absorbance: float32 (H, W).
        boxes: float32 (N, 4) xyxy, an annotator's.

    Returns:
        bool (N, H, W), its outline where it lies alone in the box, else what is dark there and of no other's outline;
        and bool (N,), which of them lie alone.
    """
    found = box_singles(absorbance, boxes)
    known = found.outlines.keys() - found.cut_off
    taken = np.any([found.outlines[index] for index in known], axis=0) if known else np.zeros_like(found.dark)
    masks = np.zeros((len(boxes), *absorbance.shape), dtype=bool)
    for index, (box, mask) in enumerate(zip(tightened(boxes), masks, strict=True)):
        mask[:] = found.outlines[index] if index in known else _largest_in(found.dark & ~taken, box)
    return masks, np.isin(np.arange(len(boxes)), list(known))


def _largest_in(region: Bool, box: F32) -> Bool:
    """The largest connected piece of a region within a box; nothing where there is none."""
    mask = np.zeros_like(region)
    labels, count = ndimage.label(region[window(box)], structure=EIGHT_CONNECTED)
    if count:
        mask[window(box)] = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return mask
