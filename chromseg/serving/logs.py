"""The log: one JSON object a line on stderr, with hashes of images and never their names or content."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

LOGGER = "chromseg.serving"


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


class _ToStderr(logging.Handler):
    """Writes to what is stderr at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def start_logging() -> None:
    """Send this server's log, and the warnings of every library, to stderr."""
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")  # else it writes lines of its own form
    handler, root = _ToStderr(), logging.getLogger()
    handler.setFormatter(_JsonLines())
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(logging.INFO)
    logging.captureWarnings(True)


def tell(event: str, **facts: Any) -> None:
    """Write one line; facts that are None are left out."""
    known = {key: value for key, value in facts.items() if value is not None}
    logging.getLogger(LOGGER).info(event, extra={"facts": known})
