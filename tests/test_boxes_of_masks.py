"""Windows: what is cut out around masks."""

from __future__ import annotations

import numpy as np

from chromseg.boxes import box_of, grown, window_around, window_of


def test_a_window_holds_the_mask_and_nothing_more() -> None:
    mask = np.zeros((9, 12), dtype=bool)
    mask[3:5, 2:7] = True
    assert box_of(mask) == (2, 3, 7, 5)
    assert mask[window_of(mask)].all()
    assert mask[window_of(mask)].sum() == mask.sum()


def test_a_grown_window_never_begins_before_the_picture() -> None:
    """A slice from a negative number would begin at the far end."""
    assert grown((slice(1, 4), slice(6, 8)), 3) == (slice(0, 7), slice(3, 11))


def test_the_window_around_windows_reaches_from_the_first_to_the_last() -> None:
    windows = [(slice(5, 9), slice(0, 2)), (slice(1, 6), slice(4, 7)), (slice(2, 3), slice(1, 11))]
    assert window_around(windows) == (slice(1, 9), slice(0, 11))
    assert window_around(windows[:1]) == windows[0]
