"""Karyograms judged, on answers whose scores follow by hand."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.evaluation.karyotypes import Answered, figures, judge_cell, metrics_of, share_at
from chromseg.karyogram.classes import CLASSES

X, Y = CLASSES.index("X"), CLASSES.index("Y")
MAN = np.array([*range(22), *range(22), X, Y])


def answered(labels: np.ndarray, given: np.ndarray, judged: np.ndarray | None = None, case: str = "a/1") -> Answered:
    table = np.full((len(given), 24), 0.1 / 23, dtype=np.float32)
    table[np.arange(len(given)), given] = 0.9
    return Answered(case, labels, np.ones(len(labels), dtype=bool) if judged is None else judged, table)


def test_alone_and_placed_are_counted_apart() -> None:
    """A 1 that looks a little more like a 2 goes wrong alone and right in its place."""
    cell = answered(MAN, MAN)
    cell.probabilities[0] = 0.01
    cell.probabilities[0, [0, 1]] = 0.38, 0.4
    found = figures([judge_cell(cell, 4.0)])
    assert found["alone"] == pytest.approx(45 / 46) and found["placed"] == 1.0
    assert found["cells_without_error"] == 1.0 and found["errors_a_cell"] == 0 and found["chromosomes"] == 46
    assert found["by_class"]["1"] == {"chromosomes": 2, "alone": 0.5, "placed": 1.0}
    assert found["taken_for"] == {} and found["sex_right"] == 1.0 and found["whole_cells"] == 1


def test_only_what_is_cut_correctly_counts_and_all_of_it_is_placed() -> None:
    labels, judged = MAN.copy(), np.arange(46) < 3
    labels[~judged] = -1
    given = MAN.copy()
    given[0] = 4
    found = figures([judge_cell(answered(labels, given, judged), 4.0)])
    assert found["chromosomes"] == 3 and found["whole_cells"] == 0 and found["sex_right"] is None
    assert found["placed"] == pytest.approx(2 / 3) and found["taken_for"] == {"1 → 5": 1}
    assert share_at([answered(labels, given, judged)], 4.0) == found["placed"] and share_at([], 4.0) is None


def test_marks_are_of_the_unsure() -> None:
    cell = answered(MAN, MAN)
    cell.probabilities[0] = 0.01
    cell.probabilities[0, [0, 1]] = 0.38, 0.4
    judged = judge_cell(cell, 4.0)
    assert judged.sureness.min() < judged.sureness[5]
    limit = float(np.median(judged.sureness)) - 1e-6
    found = figures([judged], sure=limit)
    assert 0 < found["marked"] < 0.5 and found["wrong_that_are_marked"] is None
    assert found["right_that_are_marked"] == found["marked"]


def test_intervals_are_by_case() -> None:
    wrong = MAN.copy()
    wrong[[0, 22]] = 1
    good, bad = (judge_cell(answered(MAN, given, case=case), 50.0) for given, case in ((MAN, "a/1"), (wrong, "a/2")))
    found = figures([good, bad])
    assert found["cases"] == 2 and found["alone_interval"] == pytest.approx([44 / 46, 1.0])
    assert figures([good])["alone_interval"] == [1.0, 1.0]


def test_nothing_judged_has_no_shares() -> None:
    found = figures([])
    assert found["placed"] is None and found["chromosomes"] == 0 and found["placed_interval"] is None
    assert set(metrics_of(found)) == {
        "test/class_acc",
        "test/class_acc_alone",
        "test/cells_right",
        "test/class_flag_recall",
        "test/class_flagged_right",
    }
