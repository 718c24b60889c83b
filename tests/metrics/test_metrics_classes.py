import numpy as np
import pytest

from chromseg.metrics.classes import accuracies, confusion_matrix


def test_counts_and_shares_by_hand():
    matrix = confusion_matrix(np.array([0, 0, 0, 1, 3]), np.array([0, 1, 0, 1, 0]), 4)
    np.testing.assert_array_equal(matrix, [[2, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    found = accuracies(matrix)
    assert found.overall == pytest.approx(3 / 5)
    assert found.each == [pytest.approx(2 / 3), 1.0, None, 0.0]
    assert found.mean == pytest.approx((2 / 3 + 1 + 0) / 3)  # a class that does not occur counts for nothing


def test_nothing_to_name():
    assert accuracies(np.zeros((2, 2), dtype=np.int64)) == (None, None, [None, None])
