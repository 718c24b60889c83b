"""How far a score can be believed: the reliability diagram, and one number of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chromseg.arrays import F64, Bool

_CALIBRATION_BINS = 10


class CalibrationBin(NamedTuple):
    """The `n` predictions whose scores lie within one bin, their mean score, and the share that is correct."""

    low: float
    high: float
    n: int
    score: float
    correct: float


def reliability(confidence: F64, correct: Bool, bins: int = _CALIBRATION_BINS) -> list[CalibrationBin]:
    """The reliability diagram: bins of equal width over 0–1 that hold a prediction, ascending.

    Args:
        confidence: float (N,) within 0–1.
        correct: bool (N,).
        bins: Number of bins over 0–1.
    """
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(index, minlength=bins)
    scores, hits = (np.bincount(index, weights=values, minlength=bins) for values in (confidence, correct))
    return [
        CalibrationBin(one / bins, (one + 1) / bins, counts[one], scores[one] / counts[one], hits[one] / counts[one])
        for one in np.flatnonzero(counts)
    ]


def expected_calibration_error(confidence: F64, correct: Bool, bins: int = _CALIBRATION_BINS) -> float | None:
    """How far confidence and accuracy lie apart, averaged over equal-width bins by their share of the predictions.

    Args:
        confidence: float (N,) within 0–1.
        correct: bool (N,).
        bins: Number of bins over 0–1.

    Returns:
        0 (calibrated) to 1; None without predictions. Source: Naeini et al., AAAI 2015.
    """
    if confidence.size == 0:
        return None
    gaps = [one.n * abs(one.score - one.correct) for one in reliability(confidence, correct, bins)]
    return float(sum(gaps) / confidence.size)
