"""The whole local store as one file, and back: database, models, and the head of the log that this machine has seen.

The database is copied first: a version is in it only after its files are complete, and files are never taken away, so
every version in the copy finds its files. Only the head is read before it: a newer one than the copy's log has would
call it cut off. Paths in the database are absolute; restored elsewhere they are rewritten.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import IO, Any

from chromseg.errors import RegistryError
from chromseg.files import replacing, sha256
from chromseg.project import sqlite_path, tracking_uri
from chromseg.registry.log.audit import LOG, forget, joined
from chromseg.registry.log.entries import Chain, follow
from chromseg.registry.log.heads import longer, recall, remember_restored

_FORMAT = 1
_LEFT_OUT = {"cache", "checkpoints", ".init.lock"}  # made anew, or not ours
_PATHS = (  # columns of MLflow's tables that hold absolute paths
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes:
        at: When it was made.
        root: The folder `mlruns` it was made of.
        length: Entries of the audit log.
        head: Hash of the last one.
        files: SHA-256 by path.
        seen: The head, with its length, that this machine had seen before; a cut log stays a cut one.
    """

    at: str
    root: str
    length: int
    head: str
    files: dict[str, str]
    seen: str = ""


def backup(file: Path) -> Backup:
    """Copy the local store into a new tar file; others may go on working on the store.

    Raises:
        RegistryError: The store is a server, there is none, or `file` exists.
        OutputError: The file cannot be written.
    """
    database = _database()
    if not database.is_file() or file.exists():
        raise RegistryError(
            f"{file} exists" if file.exists() else f"no store at {database}",
            expected="a new file, and a store made by `chromseg-ops init`",
            remedy="choose another name, or run this in the project's folder",
        )
    root = database.parent
    with tempfile.TemporaryDirectory() as scratch, replacing(file) as temporary:
        memory, copy = recall(), _copied_database(database, Path(scratch))
        chain = _log(copy)
        contents = {database.name: copy} | {path.relative_to(root).as_posix(): path for path in _files(root, database)}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with tarfile.open(temporary, "w") as archive:
            hashes = {name: _add(archive, f"mlruns/{name}", path) for name, path in contents.items()}
            seen = reduce(longer, memory.of(chain).values(), "")
            made = Backup(at, str(root), len(chain.entries), chain.head, hashes, seen)
            _add_text(archive, "manifest.json", json.dumps({"format": _FORMAT, **asdict(made)}, indent=1))
    return made


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
    database = _database()
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
        chain = _log(whole / database.name)
        if root.exists():
            root.rename(root.with_name(f"{root.name}.before-restore-{time.strftime('%Y%m%d-%H%M%S')}"))
        whole.rename(root)
        remember_restored(chain, made.seen)
    forget()
    return made


def _database() -> Path:
    path = sqlite_path(tracking_uri())
    if path is None:
        raise RegistryError(
            f"the store {tracking_uri()} is a server",
            expected="a local store",
            remedy="back up its database (pg_dump) and then its bucket, with its own tools (docs/registry.md)",
        )
    return path


def _copied_database(database: Path, scratch: Path) -> Path:
    copy = scratch / database.name
    with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    return copy


def _files(root: Path, database: Path) -> Iterator[Path]:
    """What is copied after the database; what is only being written (`files.replacing`) is passed over."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        own = inside[0] in _LEFT_OUT or inside[0].startswith(database.name)
        half = any(part.startswith(".") and ".tmp-" in part for part in inside)
        if path.is_file() and not path.is_symlink() and not own and not half:
            yield path


def _add(archive: tarfile.TarFile, name: str, path: Path) -> str:
    """Add a file, read once, and give the SHA-256 of what was written of it, which its owner may go on changing."""
    with path.open("rb") as stream:
        info = archive.gettarinfo(arcname=name, fileobj=stream)
        tee = _Hashing(stream)
        archive.addfile(info, tee)
    return tee.digest.hexdigest()


class _Hashing(io.RawIOBase):
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes, hashed."""
        block = self._stream.read(size)
        self.digest.update(block)
        return block


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(text.encode())
    archive.addfile(info, io.BytesIO(text.encode()))


def _unpacked(file: Path, target: Path) -> Backup:
    """Unpack, compare every file's hash, and follow the log."""
    target.mkdir()
    try:
        with tarfile.open(file) as archive:
            stream = archive.extractfile("manifest.json")
            values: dict[str, Any] = json.loads(stream.read()) if stream else {}
            if values.pop("format", None) != _FORMAT:
                raise ValueError("no backup of this format")
            made = Backup(**values)
            for name, expected in made.files.items():
                _take(archive, name, expected, target)
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise _bad(file, f"{type(error).__name__}: {error}") from error
    chain = _log(target / "mlflow.db")
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


def _log(database: Path) -> Chain:
    """The audit log, read without MLflow."""
    query = "SELECT version, key, value FROM model_version_tags WHERE name = ?"
    tags: dict[int, dict[str, str]] = {}
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        for number, key, value in connection.execute(query, (LOG,)):
            tags.setdefault(int(number), {})[key] = value
    return follow((number, joined(own)) for number, own in tags.items())


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
