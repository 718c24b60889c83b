"""A backup put in the place of the local store.

Paths in the database are absolute; restored elsewhere they are rewritten.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from chromseg.errors import RegistryError
from chromseg.files import sha256
from chromseg.registry.log.audit import forget
from chromseg.registry.log.heads import remember_restored
from chromseg.registry.transfer.snapshot import FORMAT, Backup, local_database, log_of

_PATHS = (  # columns of MLflow's tables that hold absolute paths
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


def restore(file: Path, *, replace: bool = False) -> Backup:
    """Put a backup in the place of the local store; what was there is kept beside it as `mlruns.before-restore-…`.

    A process that has the store open goes on with the old one: start servers again.

    Args:
        file: Written by `backup`.
        replace: Do it although there is a store.

    Raises:
        RegistryError: The store is a server, there is one already, or the file is damaged.
        OutputError: The place cannot be written.
    """
    database = local_database()
    root = database.parent
    if database.exists() and not replace:
        raise RegistryError(
            f"there is a store at {database}",
            expected="an empty place",
            remedy="add --replace: the present store is then kept beside it",
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=root.parent) as scratch:
        whole = Path(scratch) / root.name
        made = _unpacked(file, whole)
        _move_paths(whole / database.name, Path(made.root), root)
        chain = log_of(whole / database.name)
        if root.exists():
            root.rename(root.with_name(f"{root.name}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}"))
        whole.rename(root)
        remember_restored(chain, made.seen)
    forget()
    return made


def _unpacked(file: Path, target: Path) -> Backup:
    """Unpack, compare every file's hash, and follow the log."""
    target.mkdir()
    try:
        with tarfile.open(file) as archive:
            stream = archive.extractfile("manifest.json")
            values: dict[str, Any] = json.loads(stream.read()) if stream else {}
            if values.pop("format", None) != FORMAT:
                raise ValueError("no backup of this format")
            made = Backup(**values)
            for name, expected in made.files.items():
                _take(archive, name, expected, target)
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise _bad(file, f"{type(error).__name__}: {error}") from error
    chain = log_of(target / "mlflow.db")
    if chain.problems or (len(chain.entries), chain.head) != (made.length, made.head):
        raise _bad(file, "; ".join(chain.problems) or "its audit log is not the one it was made with")
    return made


def _take(archive: tarfile.TarFile, name: str, expected: str, target: Path) -> None:
    place = (target / name).resolve()
    if target.resolve() not in place.parents:
        raise ValueError(f"{name} leads out of the folder")
    stream = archive.extractfile(f"mlruns/{name}")
    if stream is None:
        raise ValueError(f"{name} is no file")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as out:
        shutil.copyfileobj(stream, out)
    if sha256(place) != expected:
        raise ValueError(f"{name} was changed")


def _move_paths(database: Path, old: Path, new: Path) -> None:
    if old == new:
        return
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in _PATHS:
            for before, after in ((old.as_uri(), new.as_uri()), (str(old), str(new))):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} LIKE ? ESCAPE '!'",
                    (after, len(before) + 1, _literally(before) + "%"),
                )


def _literally(text: str) -> str:
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return text


def _bad(file: Path, why: str) -> RegistryError:
    return RegistryError(
        f"{file} cannot be restored: {why}",
        expected="a file written by `chromseg-ops registry backup`, as it was written",
        remedy="take another backup",
    )
