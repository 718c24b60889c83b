"""Cells as a model cuts them: which of its chromosomes are cut correctly, and what class these have."""

from __future__ import annotations

import numpy as np

from chromseg.annotations.samples import Sample
from chromseg.arrays import F64, Bool
from chromseg.boxes import boxes_of
from chromseg.images.scale import resize_mask
from chromseg.inference.predictor import Predictor
from chromseg.karyogram.cell import cell_of
from chromseg.metrics import box_ious, mask_ious
from chromseg.metrics.splicing import assign
from chromseg.synthesis.box_singles import tightened
from chromseg.training.cells import NamedCell

_MASK_IOU = 0.8  # from which an outline is right, as for `recovered_80`
_BOX_IOU = 0.7  # the same of a box with an annotator's less its margin, as for outlining sets of boxes
UNKNOWN = -1


def cut_cell(predictor: Predictor, sample: Sample) -> NamedCell:
    """Cut the picture of a sample with classes, and straighten what was found.

    Args:
        predictor: The model that cuts.
        sample: A whole picture with boxes or masks, and classes.

    Returns:
        All chromosomes found; `clean` are those that agree with one of the truth, and have its class; the others have
        the class `UNKNOWN`.

    Raises:
        InputRefusedError: The picture must not be predicted on.
    """
    shape = (sample.image.shape[0], sample.image.shape[1])
    grey = np.rint(255 * sample.image).astype(np.uint8)
    found = predictor.predict(grey, polarity="light-on-dark")
    masks = np.array([resize_mask(instance.mask, shape) for instance in found.instances]).reshape(-1, *shape)
    masks = masks[masks.any(axis=(1, 2))]
    pairs, ious = assign(_overlaps(masks, sample))
    right = ious >= (_BOX_IOU if sample.masks is None else _MASK_IOU)
    labels = np.full(len(masks), UNKNOWN, dtype=np.int64)
    assert sample.labels is not None
    labels[pairs[right, 0]] = sample.labels[pairs[right, 1]] - 1
    return NamedCell(cell_of(found.absorbance, masks), labels, labels != UNKNOWN)


def _overlaps(masks: Bool, sample: Sample) -> F64:
    """IoU of every chromosome found with every true one, of boxes where the truth has boxes alone."""
    if sample.masks is not None:
        return mask_ious(masks, sample.masks)
    assert sample.boxes is not None
    return box_ious(boxes_of(masks), tightened(sample.boxes).astype(np.float64))
