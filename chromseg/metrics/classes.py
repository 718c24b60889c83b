"""How well chromosomes are named: the confusion matrix, and accuracies read from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chromseg.arrays import I64

Counts = I64


class Accuracies(NamedTuple):
    """Shares named right, 0–1; None where there is nothing to name.

    Attributes:
        overall: Of all chromosomes.
        mean: Mean over the classes that occur, whatever their size.
        each: Of each class.
    """

    overall: float | None
    mean: float | None
    each: list[float | None]


def confusion_matrix(target: Counts, pred: Counts, classes: int) -> Counts:
    """Count pairs of true and given class: int64 (N,) twice, from 0 → int64 (classes, classes), rows true."""
    return np.bincount(target * classes + pred, minlength=classes * classes).reshape(classes, classes)


def accuracies(matrix: Counts) -> Accuracies:
    """Read the accuracies from a confusion matrix (classes, classes)."""
    right, total = np.diag(matrix), matrix.sum(axis=1)
    each = [int(hit) / int(count) if count else None for hit, count in zip(right, total, strict=True)]
    defined = [share for share in each if share is not None]
    overall = int(right.sum()) / int(total.sum()) if defined else None
    return Accuracies(overall, sum(defined) / len(defined) if defined else None, each)
