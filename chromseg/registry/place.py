"""Where the project and its store are; needs no MLflow, so that bare GPU nodes can gather a lineage too."""

from __future__ import annotations

import os
from pathlib import Path

MARKERS = ("mlruns/mlflow.db", ".dvc", "pyproject.toml")


def project_root(start: Path | None = None) -> Path:
    """The nearest folder at or above `start` (default: the working folder) that looks like a project, else `start`.

    A project holds a store, `.dvc` or `pyproject.toml`; `params.yaml` is no marker, because each profile has one.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    return start


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI` if set, else the SQLite store of the project around the working folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root() / 'mlruns' / 'mlflow.db'}"


def sqlite_path(uri: str) -> Path | None:
    """The database file of a SQLite URI, absolute; None for a server or another database."""
    return Path(uri.removeprefix("sqlite:///")).resolve() if uri.startswith("sqlite:///") else None
