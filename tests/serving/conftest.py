"""What all tests of the server need."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "validation"))  # input_corpus, drawn_dataset


@pytest.fixture(autouse=True)
def usual_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that was started in this process leaves no log of its own behind."""
    monkeypatch.setenv("MLFLOW_CONFIGURE_LOGGING", "false")  # which a server sets for itself
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    logging.getLogger("chromseg.serving").setLevel(logging.NOTSET)
    logging.captureWarnings(False)
