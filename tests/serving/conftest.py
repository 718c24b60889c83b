"""What all tests of the server need."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "validation"))  # input_corpus, drawn_dataset


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """A server that was started in this process leaves no log of its own behind."""
    yield
    for name in ("chromseg.serving", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
