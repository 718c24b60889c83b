"""The three ways to fail, each drawn."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.annotations import Sample
from chromseg.evaluation.failures import outcome_of
from chromseg.evaluation.judging import CutoutCase
from chromseg.metrics import CutoutScore


def sample_with(crossing: np.ndarray) -> Sample:
    blank = np.zeros((40, 60), np.float32)
    return Sample("a", "drawn/1", "test", "cutout", blank, None, crossing, crossing)


def case(crossing: np.ndarray, *, found: bool, splice: float | None) -> CutoutCase:
    score = CutoutScore("a", "drawn/1", 0.5, 0.5, found, splice)
    return CutoutCase(score, crossing, np.zeros((0, 40, 60), bool))


TWO = np.zeros((40, 60), bool)
TWO[10:20, 10:20] = TWO[10:20, 30:40] = True
JOINED = np.zeros((40, 60), bool)
JOINED[10:20, 10:40] = True


@pytest.mark.parametrize(
    ("pred", "found", "splice", "expected"),
    [
        (TWO, True, 0.85, "good"),
        (TWO, True, None, "good"),
        (TWO, True, 0.79, "splicing"),
        (np.zeros_like(TWO), False, 0.0, "detection"),
        (JOINED, False, 0.0, "connected"),
    ],
)
def test_outcome(pred: np.ndarray, found: bool, splice: float | None, expected: str) -> None:
    assert outcome_of(sample_with(TWO), case(pred, found=found, splice=splice)) == expected
