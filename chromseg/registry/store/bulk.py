"""Reading many rows of a store at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def many_rows() -> Iterator[None]:
    """Let Python's garbage collector leave alone what is in memory already while rows become objects.

    Every few hundred new objects it looks for garbage, and in time through all that MLflow's import has left behind:
    half the cost of reading five hundred runs.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
