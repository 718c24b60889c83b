"""The log: one JSON object a line on stderr, with hashes of images and never their names or content.

Whatever clients do, it stays small: of one event a hundred lines a minute are written, then how many more there were.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

LOGGER = "chromseg.serving"
_PERIOD, _MOST = 60.0, 100  # seconds, lines of one event in them
_RECORDS = ("segmented", "job", "correction")  # what was answered: a line each, as many as there are


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        if record.name != LOGGER:
            line["logger"] = record.name
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


@contextmanager
def stderr_of_libraries() -> Iterator[None]:
    """Make a line of the log of what libraries in C, libtiff among them, write to file descriptor 2.

    Python's own `sys.stderr` goes where it went before. Processes that are started meanwhile write into the same lines.
    """
    ours, (read, write) = os.dup(2), os.pipe()
    before, sys.stderr = sys.stderr, os.fdopen(ours, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    os.dup2(write, 2)
    os.close(write)

    def pass_on() -> None:
        with os.fdopen(read, "rb") as lines:
            for line in lines:
                text = line.decode("utf-8", errors="replace").strip()
                if text:
                    tell("stderr", text=text[:500])

    threading.Thread(target=pass_on, name="stderr", daemon=True).start()
    try:
        yield
    finally:
        os.dup2(ours, 2)
        sys.stderr.close()
        sys.stderr = before


class NoFlood(logging.Filter):
    """Lets a hundred lines of one event through a minute; the next one says how many were left out (`left_out`)."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[tuple[str, str], tuple[float, int]] = {}  # event → since when, how many

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write a line."""
        kind = getattr(record, "facts", {}).get("kind", "")
        event, now = (record.name, f"{record.msg} {kind}"), time.monotonic()
        if record.msg in _RECORDS:
            return True
        since, count = self._written.get(event, (now, 0))
        if now - since >= _PERIOD:
            if count > _MOST:
                record.facts = {**getattr(record, "facts", {}), "left_out": count - _MOST}
            since, count = now, 0
        self._written[event] = since, count + 1
        return count < _MOST


class _ToStderr(logging.Handler):
    """Writes to what is stderr at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def start_logging() -> None:
    """Send this server's log, and the warnings of every library, to stderr."""
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")  # else it writes lines of its own form
    handler, root = _ToStderr(), logging.getLogger()
    handler.setFormatter(_JsonLines())
    handler.addFilter(NoFlood())
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(logging.INFO)
    logging.captureWarnings(True)


def tell(event: str, **facts: Any) -> None:
    """Write one line; facts that are None are left out."""
    known = {key: value for key, value in facts.items() if value is not None}
    logging.getLogger(LOGGER).info(event, extra={"facts": known})
