"""A store set back to an earlier state in its place, for a process that has it open."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from chromseg.project import state_folder
from chromseg.registry.log.audit import forget


def put_back(saved: Path, mlruns: Path) -> None:
    """Give `mlruns` the content of `saved`; the database is overwritten from within, because MLflow keeps it open.

    What this machine has seen of logs becomes what lies in `state` beside `saved`: nothing, where that is not.
    """
    for path in mlruns.iterdir():
        if path.name != "mlflow.db":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(saved, mlruns, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mlflow.db*"))
    with closing(sqlite3.connect(saved / "mlflow.db")) as old, closing(sqlite3.connect(mlruns / "mlflow.db")) as new:
        old.backup(new)
    shutil.rmtree(state_folder(), ignore_errors=True)
    if (saved.parent / "state").is_dir():
        shutil.copytree(saved.parent / "state", state_folder())
    forget()
