"""Whether today's pictures are still like those before: how far a mean has moved, in standard deviations."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

REFERENCE, RECENT, FEWEST = 200, 100, 20  # pictures


class Drift:
    """Compares the last pictures with the first ones that a model saw.

    The reference is what the lab sent when the model came into use, not the training set: a lab whose pictures differ
    from the beginning sees that in the warnings of the results, and a drift that is always there says nothing.
    """

    def __init__(self) -> None:
        self._first: list[float] = []
        self._last: deque[float] = deque(maxlen=RECENT)
        self._lock = threading.Lock()

    def see(self, value: float) -> None:
        """Take a picture's value into account."""
        with self._lock:
            if len(self._first) < REFERENCE:
                self._first.append(value)
            self._last.append(value)

    @property
    def value(self) -> float:
        """Mean of the last pictures less that of the first, over the standard deviation of the first.

        0 as long as there are fewer than 20 pictures, and where nothing ever differed.
        """
        with self._lock:
            first, last = np.array(self._first), np.array(self._last)
        if len(first) < FEWEST:
            return 0.0
        spread = float(first.std())
        moved = float(last.mean() - first.mean())
        return moved / max(spread, 1e-3 * max(1.0, abs(float(first.mean()))))
