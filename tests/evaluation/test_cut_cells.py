"""Which chromosomes of a model are cut correctly, and what class they get."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from drawn_cells import drawn_cell, recalling_predictor

from chromseg.annotations import Sample
from chromseg.evaluation.cut_cells import UNKNOWN, cut_cell
from chromseg.images.absorbance import to_absorbance

CLASSES = np.array([3, 5, 24, 1])


def sample(masks: np.ndarray) -> Sample:
    picture, _ = drawn_cell()
    absorbance = to_absorbance(picture, "dark-on-light")
    return replace(Sample.from_masks("a", "set/1", "test", "metaphase", absorbance, masks), labels=CLASSES)


def test_what_the_model_cuts_right_gets_the_class_of_the_truth() -> None:
    _, masks = drawn_cell()
    found = cut_cell(recalling_predictor(masks), sample(masks))
    assert sorted(found.labels.tolist()) == sorted((CLASSES - 1).tolist()) and found.clean.all()
    assert len(found.cell.strips) == 4


def test_what_it_cuts_wrongly_stays_in_the_cell_without_a_class() -> None:
    _, masks = drawn_cell()
    cut = masks.copy()
    cut[2, 150:] = False  # half of a single
    found = cut_cell(recalling_predictor(cut), sample(masks))
    assert len(found.labels) == 4 and (found.labels == UNKNOWN).sum() == 1
    assert np.array_equal(found.clean, found.labels != UNKNOWN)
    assert CLASSES[2] - 1 not in found.labels


def test_boxes_alone_are_compared_as_boxes() -> None:
    _, masks = drawn_cell()
    own = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1] for y, x in (mask.nonzero() for mask in masks)])
    boxed = Sample.from_boxes(
        "a", "set/1", "test", sample(masks).image, (own + np.array([-5, -6, 4, 3])).astype(np.float32), CLASSES
    )
    found = cut_cell(recalling_predictor(masks), boxed)
    assert sorted(found.labels.tolist()) == sorted((CLASSES - 1).tolist())
