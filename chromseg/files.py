"""Writing files so that a reader sees the old content or the new, never a half."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chromseg.errors import OutputError

_BEGUN = 60  # seconds in which a new temporary folder may not be claimed yet
_PREVIOUS = "previous"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well, remove it when not.

    Works for a file and for a folder (the block then makes a folder at the temporary path). What a killed process left
    of an earlier try is taken away.

    Raises:
        OutputError: The disk is full, or the place is read-only or not writable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(path)
        holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.tmp-", dir=path.parent))
        claim = os.open(holder, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with suppress(OSError):  # a file system without locks: then nobody clears there either
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary = holder / path.name
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.move(path, holder / _PREVIOUS)
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)
        os.close(claim)


def _clear_abandoned(path: Path) -> None:
    """Remove temporary folders beside `path` that no living process claims; finish a swap that broke off."""
    for holder in path.parent.glob(f".{glob.escape(path.name)}.tmp-*"):
        with suppress(OSError):  # claimed, or gone meanwhile, or not ours to remove
            if time.time() - holder.stat().st_mtime < _BEGUN:
                continue
            claim = os.open(holder, os.O_RDONLY)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if (holder / _PREVIOUS).exists() and not path.exists():
                    whole = holder / path.name
                    (whole if whole.exists() else holder / _PREVIOUS).replace(path)
                shutil.rmtree(holder)
            finally:
                os.close(claim)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON (sorted as given, two spaces, a last newline) in one step."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {path} ({error.strerror or error})",
        expected="a writable place with free space",
        remedy="free some space or choose another folder, then run the same command again",
    )
