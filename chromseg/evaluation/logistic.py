"""Logistic regression of two dozen measures at most, kept in a card as weights of the raw measures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from chromseg.arrays import F64


def fit_logistic(
    examples: F64, labels: npt.NDArray[np.bool_], counts: F64 | None = None, ridge: float = 0.5
) -> tuple[F64, float]:
    """Fit on standardised measures; the log loss, each example as often as it counts, plus the ridge.

    Args:
        examples: float64 (N, M).
        labels: bool (N,).
        counts: float64 (N,), how much each example counts; None for 1.
        ridge: Times the sum of the squared weights.

    Returns:
        Weights float64 (M,) of the raw measures, and the bias.
    """
    mean, spread = examples.mean(axis=0), examples.std(axis=0) + 1e-6
    x = np.column_stack([(examples - mean) / spread, np.ones(len(labels))])
    signs = np.where(labels, 1.0, -1.0)
    counts = np.ones(len(labels)) if counts is None else counts

    def loss(w: F64) -> tuple[float, F64]:
        margin = signs * (x @ w)
        value = counts @ np.logaddexp(0, -margin) + ridge * (w[:-1] @ w[:-1])
        slope = -(counts * signs / (1 + np.exp(margin))) @ x
        slope[:-1] += 2 * ridge * w[:-1]
        return float(value), slope

    solution: F64 = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    weights = solution[:-1] / spread
    return weights, float(solution[-1] - weights @ mean)
