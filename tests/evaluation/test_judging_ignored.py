"""Models beside pixels that are to be ignored, and on truth that a program made."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drawn_cells import drawn_cell, recalling_predictor, threshold_predictor

from chromseg.annotations import Sample
from chromseg.errors import DataError
from chromseg.evaluation.detections import judge_image
from chromseg.evaluation.judging import as_coarse_as, judge_cutout, judge_metaphase
from chromseg.evaluation.measuring import judge_samples
from chromseg.images.absorbance import to_absorbance
from chromseg.metrics import summarize_instances

PICTURE, MASKS = drawn_cell()
PREDICTORS = {"maps": threshold_predictor(), "detector": recalling_predictor(MASKS)}


def sample(kind: str = "metaphase", *, unknown: bool = False) -> Sample:
    """The cell with its cross known alone; of the two singles nothing is known, or they are taken for ground."""
    image = to_absorbance(PICTURE, "dark-on-light")
    known = Sample.from_masks("cell", "drawn/1", "test", kind, image, MASKS[:2])
    return dataclasses.replace(known, ignored=MASKS[2:].any(axis=0)) if unknown else known


@pytest.mark.parametrize("predictor", PREDICTORS.values(), ids=PREDICTORS.keys())
def test_what_is_found_where_nothing_is_known_is_neither_right_nor_invented(predictor) -> None:
    for judge in (judge_metaphase, judge_image):
        strict, lenient = (summarize_instances([judge(predictor, sample(unknown=each))]) for each in (False, True))
        assert (strict["count_mae"], strict["edits"]) == (2, 2)
        assert (lenient["count_mae"], lenient["edits"], lenient["count_exact"]) == (0, 0, 1)
        assert lenient["mask_ap50"] == lenient["recovered_80"] == 1


@pytest.mark.parametrize("predictor", PREDICTORS.values(), ids=PREDICTORS.keys())
def test_a_cut_out_is_judged_on_what_is_known_of_it(predictor) -> None:
    strict, lenient = (judge_cutout(predictor, sample("cutout", unknown=each)).score for each in (False, True))
    assert strict.iou_chromosome < 0.8 < lenient.iou_chromosome
    assert strict.splice is not None and lenient.splice is not None
    assert strict.splice == 0 and lenient.splice > 0.8


def test_the_foreground_is_what_the_network_draws_and_not_what_the_removed_ground_left() -> None:
    """Of a bright and a pale chromosome on no ground, the network sees the bright one alone."""
    image = np.where(MASKS[2], np.float32(0.7), np.where(MASKS[3], np.float32(0.15), np.float32(0)))
    cluster = Sample.from_masks("cell", "drawn/1", "test", "cutout", image, MASKS[2:])
    score = judge_cutout(PREDICTORS["maps"], cluster).score
    assert score.iou_chromosome == 1
    assert score.iou_foreground == pytest.approx(MASKS[2].sum() / MASKS[2:].any(axis=0).sum(), abs=0.02)
    assert judge_cutout(PREDICTORS["detector"], cluster).score.iou_foreground is None


def test_no_score_rests_on_outlines_that_a_program_derived() -> None:
    derived = dataclasses.replace(sample(), derived=True)
    for cutouts, metaphases in (([derived], []), ([], [sample(), derived])):
        with pytest.raises(DataError, match=r"outlines that a program derived; .*judge on another set"):
            judge_samples(PREDICTORS["maps"], cutouts, metaphases, {"drawn": "synthetic"})
    assert judge_samples(PREDICTORS["maps"], [], [sample(unknown=True)], {"drawn": "synthetic"}) is not None


def test_boxes_count_where_something_is_known() -> None:
    """A detector on a set of boxes whose image says that two of four chromosomes are not known."""
    boxes = np.array([[20, 30, 100, 41], [50, 10, 61, 80]], dtype=np.float32)
    known = Sample.from_boxes("cell", "drawn/1", "test", sample().image, boxes, np.array([1, 1]))
    hidden = np.zeros_like(PICTURE, dtype=bool)
    hidden[110:, :] = True
    for ignored, edits in ((None, 2), (hidden, 0)):
        score = judge_image(PREDICTORS["detector"], dataclasses.replace(known, ignored=ignored))
        assert score.edits == edits


def test_what_is_ignored_becomes_as_coarse_as_what_is_found() -> None:
    coarse = as_coarse_as((100, 100), sample(unknown=True))
    assert coarse.ignored is not None and coarse.ignored.shape == (100, 100)
    assert coarse.ignored.sum() == pytest.approx(MASKS[2:].sum() / 4, rel=0.1)
    assert as_coarse_as((100, 100), sample()).ignored is None
