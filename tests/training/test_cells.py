"""Cells with classes: of masks, and of boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chromseg.annotations import Sample
from chromseg.errors import DataError
from chromseg.training.cells import masks_in_boxes, named_cell


def picture() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Absorbance float32 (120, 120), masks of two bars apart and two that cross, and boxes drawn around them."""
    masks = np.zeros((4, 120, 120), dtype=bool)
    masks[0, 10:40, 10:18] = True
    masks[1, 10:50, 100:108] = True
    masks[2, 60:110, 60:68] = True
    masks[3, 80:88, 40:90] = True
    rows, cols = np.mgrid[:120, :120]
    absorbance = np.where(masks.any(axis=0), 0.7 + 0.1 * ((rows + cols) % 3 == 0), 0)
    corners = np.array([[10, 10, 18, 40], [100, 10, 108, 50], [60, 60, 68, 110], [40, 80, 90, 88]])
    return absorbance.astype(np.float32), masks, (corners + np.array([-5, -6, 4, 3])).astype(np.float32)


def test_a_box_that_holds_one_chromosome_gives_its_outline() -> None:
    absorbance, masks, boxes = picture()
    found, clean = masks_in_boxes(absorbance, boxes)
    assert clean.tolist() == [True, True, False, False]
    for index in (0, 1):
        assert (found[index] & masks[index]).sum() / (found[index] | masks[index]).sum() > 0.9


def test_what_is_dark_in_a_crowded_box_is_a_guess_within_it() -> None:
    absorbance, masks, boxes = picture()
    found, _ = masks_in_boxes(absorbance, boxes)
    assert (found[2] & masks[2]).sum() > 0.9 * masks[2].sum()
    assert not found[2][:, :50].any()  # the arms of the other end at the box


def test_masks_are_taken_as_they_are_and_splinters_left_out() -> None:
    absorbance, masks, _ = picture()
    splinter = np.zeros((1, 120, 120), dtype=bool)
    splinter[0, 2:5, 2:5] = True
    sample = Sample.from_masks("a", "set/1", "train", "metaphase", absorbance, np.concatenate([masks, splinter]))
    cell = named_cell(replace(sample, labels=np.array([3, 24, 1, 2, 5])))
    assert cell.labels.tolist() == [2, 23, 0, 1] and cell.clean.all() and len(cell.cell.strips) == 4


def test_a_box_without_anything_dark_is_left_out() -> None:
    absorbance, _, boxes = picture()
    boxes = np.concatenate([boxes, np.array([[20, 90, 35, 115]], dtype=np.float32)])
    sample = Sample.from_boxes("a", "set/1", "train", absorbance, boxes, np.array([1, 2, 3, 4, 5]))
    assert named_cell(sample).labels.tolist() == [0, 1, 2, 3]


def test_a_sample_without_classes_is_refused() -> None:
    absorbance, masks, _ = picture()
    with pytest.raises(DataError, match="without classes"):
        named_cell(Sample.from_masks("a", "set/1", "train", "metaphase", absorbance, masks))
