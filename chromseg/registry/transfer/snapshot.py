"""What a backup and its restoring share: the local database, its audit log, and what the file says of itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chromseg.errors import RegistryError
from chromseg.project import sqlite_path, tracking_uri
from chromseg.registry.log.audit import LOG, joined
from chromseg.registry.log.chain import Chain, follow

FORMAT = 1


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


def local_database() -> Path:
    """The file of the store's database.

    Raises:
        RegistryError: The store is a server.
    """
    path = sqlite_path(tracking_uri())
    if path is None:
        raise RegistryError(
            f"the store {tracking_uri()} is a server",
            expected="a local store",
            remedy="back up its database (pg_dump) and then its bucket, with its own tools (docs/registry.md)",
        )
    return path


def log_of(database: Path) -> Chain:
    """The audit log, read without MLflow."""
    query = "SELECT version, key, value FROM model_version_tags WHERE name = ?"
    tags: dict[int, dict[str, str]] = {}
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        for number, key, value in connection.execute(query, (LOG,)):
            tags.setdefault(int(number), {})[key] = value
    return follow((number, joined(own)) for number, own in tags.items())
