"""Reading many rows of a store at once."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def every(search: Callable[..., Any], *where: Any, **options: Any) -> list[Any]:
    """All rows that one of MLflow's searches finds, page after page.

    Args:
        search: A method of `MlflowClient`.
        where: What it takes in order.
        options: What it takes by name; `max_results` is the length of a page.
    """
    found: list[Any] = []
    token = None
    with _many_rows():
        while True:
            page = search(*where, **options, page_token=token)
            found += page
            token = page.token
            if not token:
                return found


@contextmanager
def _many_rows() -> Iterator[None]:
    """Let Python's garbage collector leave alone what is in memory already while rows become objects.

    Every few hundred new objects it looks for garbage, and in time through all that MLflow's import has left behind:
    half the cost of reading five hundred runs.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
