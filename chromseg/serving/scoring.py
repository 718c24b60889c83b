"""The requests of MLflow's scoring protocol: a table with one binary column `image`, base64 in JSON."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from chromseg.errors import InputRefusedError
from chromseg.serving.engine import Segmented
from chromseg.serving.problems import ProblemError

COLUMN = "image"
TABLES = ("dataframe_split", "dataframe_records", "instances", "inputs")
_MOST_ROWS = 64


def images_of(body: bytes, content_type: str) -> list[bytes]:
    """The encoded images of a request, one a row.

    Args:
        body: JSON with one of `TABLES`, or CSV with a header.
        content_type: `application/json` or `text/csv`, perhaps with `charset=utf-8`.

    Raises:
        ProblemError: The body has another form, or a row holds no base64.
    """
    kind, _, parameters = content_type.partition(";")
    kind, charset = kind.strip().lower(), parameters.strip().lower()
    if kind not in ("application/json", "text/csv") or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise ProblemError(
            "unsupported",
            f"content type {content_type[:80]!r}",
            expected="application/json or text/csv in UTF-8",
            remedy="send a table as MLflow's clients do",
        )
    try:
        cells = _cells_of_csv(body.decode("utf-8")) if kind == "text/csv" else _cells(_loaded(body))
    except (KeyError, TypeError, ValueError, IndexError, RecursionError, csv.Error) as error:
        raise _bad(f"a table that cannot be read ({type(error).__name__}: {str(error)[:120]})") from error
    if not 1 <= len(cells) <= _MOST_ROWS:
        raise _bad(f"a table of {len(cells)} rows")
    return [decoded(cell, row) for row, cell in enumerate(cells)]


def predictions_of(done: Sequence[Segmented | InputRefusedError]) -> list[dict[str, Any]]:
    """A row for each picture: `instances`, JSON text, or null and the `error` of a picture that was refused.

    Raises:
        InputRefusedError: Every one was refused.
    """
    refused = [one for one in done if isinstance(one, InputRefusedError)]
    if len(refused) == len(done):
        raise refused[0]
    return [
        {"instances": None, "error": str(one)}
        if isinstance(one, InputRefusedError)
        else {"instances": one.answer.rendered.body.decode()}
        for one in done
    ]


def _loaded(body: bytes) -> dict[str, Any]:
    content = json.loads(body)
    given = [name for name in TABLES if name in content] if isinstance(content, dict) else []
    if len(given) != 1:
        raise _bad("a body without exactly one table")
    return {given[0]: content[given[0]]}


def _cells(content: dict[str, Any]) -> list[Any]:
    """The cells of column `image`, in any of the ways that MLflow writes tables."""
    ((form, table),) = content.items()
    if form == "dataframe_split":
        column = table["columns"].index(COLUMN) if "columns" in table else 0
        return [row[column] for row in table["data"]]
    if isinstance(table, dict):  # inputs: {"image": […]}
        cells = table[COLUMN]
        return list(cells) if isinstance(cells, list) else [cells]
    if not isinstance(table, list):
        raise TypeError("neither a list nor an object")
    return [row[COLUMN] if isinstance(row, dict) else row for row in table]


def _cells_of_csv(text: str) -> list[Any]:
    csv.field_size_limit(max(len(text), 131_072))
    return [row[COLUMN] for row in csv.DictReader(io.StringIO(text))]


def decoded(cell: Any, row: int) -> bytes:
    """The bytes of a cell; MLflow breaks base64 into lines of 76 letters.

    Raises:
        ProblemError: It is no base64.
    """
    if not isinstance(cell, str):
        raise _bad(f"row {row} with {type(cell).__name__} in column `{COLUMN}`")
    try:
        return base64.b64decode("".join(cell.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad(f"row {row} whose column `{COLUMN}` is no base64") from error


def _bad(got: str) -> ProblemError:
    return ProblemError(
        "bad-request",
        got,
        expected=f"one of {', '.join(TABLES)} with a column `{COLUMN}` of 1 to {_MOST_ROWS} encoded images in base64",
        remedy='send {"dataframe_split": {"columns": ["image"], "data": [["…base64…"]]}}',
    )
