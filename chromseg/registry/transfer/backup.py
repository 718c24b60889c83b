"""The whole local store as one file: database, models, and the head of the log that this machine has seen.

The database is copied first: a version is in it only after its files are complete, and files are never taken away, so
every version in the copy finds its files. Only the head is read before it: a newer one than the copy's log has would
call it cut off.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import IO

from chromseg.errors import RegistryError
from chromseg.files import replacing
from chromseg.registry.log.heads import longer, recall
from chromseg.registry.transfer.snapshot import FORMAT, Backup, local_database, log_of

_LEFT_OUT = {"cache", "checkpoints", ".init.lock"}  # made anew, or not ours


def backup(file: Path) -> Backup:
    """Copy the local store into a new tar file; others may go on working on the store.

    Raises:
        RegistryError: The store is a server, there is none, or `file` exists.
        OutputError: The file cannot be written.
    """
    database = local_database()
    if not database.is_file() or file.exists():
        raise RegistryError(
            f"{file} exists" if file.exists() else f"no store at {database}",
            expected="a new file, and a store made by `chromseg-ops init`",
            remedy="choose another name, or run this in the project's folder",
        )
    root = database.parent
    with tempfile.TemporaryDirectory() as scratch, replacing(file) as temporary:
        memory, copy = recall(), _copied_database(database, Path(scratch))
        chain = log_of(copy)
        contents = {database.name: copy} | {path.relative_to(root).as_posix(): path for path in _files(root, database)}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with tarfile.open(temporary, "w") as archive:
            hashes = {name: _add(archive, f"mlruns/{name}", path) for name, path in contents.items()}
            seen = reduce(longer, memory.of(chain).values(), "")
            made = Backup(at, str(root), len(chain.entries), chain.head, hashes, seen)
            _add_text(archive, "manifest.json", json.dumps({"format": FORMAT, **asdict(made)}, indent=1))
    return made


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
