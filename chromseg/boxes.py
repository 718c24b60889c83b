"""Where a mask lies: the smallest upright box around it, as corners and as a window to cut with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from chromseg.arrays import F64, Bool

Window: TypeAlias = tuple[slice, slice]  # rows and columns


def box_of(mask: Bool) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1), ends excluded, of a mask bool (H, W); zeros for an empty mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return 0, 0, 0, 0
    cols = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def window_of(mask: Bool) -> Window:
    """Rows and columns of the box of a mask bool (H, W); empty slices for an empty mask."""
    x0, y0, x1, y1 = box_of(mask)
    return slice(y0, y1), slice(x0, x1)


def grown(window: Window, by: int) -> Window:
    """A window with `by` pixels more on every side, none before the first; its ends may lie beyond the picture."""
    rows, cols = (slice(max(side.start - by, 0), side.stop + by) for side in window)
    return rows, cols


def window_around(windows: Iterable[Window]) -> Window:
    """The smallest window that holds all windows, of which there is at least one."""
    rows, cols = (
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*windows, strict=True)
    )
    return rows, cols


def boxes_of(masks: Iterable[Bool]) -> F64:
    """The boxes of N masks bool (H, W): xyxy float64 (N, 4), ends excluded; zeros for an empty mask."""
    return np.array([box_of(mask) for mask in masks], dtype=np.float64).reshape(-1, 4)
