"""Writing files so that a reader sees the old content or the new, never a half."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chromseg.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows: nothing is claimed there, and nothing cleared
    fcntl = None  # type: ignore[assignment]

_PREVIOUS = "previous"
_PIECE = 1 << 16  # bytes: larger ones cost the allocator a call to the system each


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
        holder, claim = _claimed_folder(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        temporary = holder / path.name
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.move(path, holder / _PREVIOUS)
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            _give_back(holder / _PREVIOUS, path)
            shutil.rmtree(holder, ignore_errors=True)
        if claim is not None:
            os.close(claim)


def _claimed_folder(path: Path) -> tuple[Path, int | None]:
    """A new folder beside `path`, and a lock on it that ends with this process, however that ends."""
    while True:
        holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.tmp-", dir=path.parent))
        if fcntl is None:
            return holder, None
        try:
            claim = os.open(holder, os.O_RDONLY)
        except FileNotFoundError:
            continue  # another process took it for abandoned before it was locked
        with suppress(OSError):  # a file system without locks
            fcntl.flock(claim, fcntl.LOCK_EX)
        if holder.is_dir():  # the same, a moment later
            return holder, claim
        os.close(claim)


def _clear_abandoned(path: Path) -> None:
    """Remove the folders of processes that are no more from beside `path`; a swap that broke off is finished."""
    if fcntl is None:
        return
    for holder in path.parent.glob(f".{glob.escape(path.name)}.tmp-*"):
        with suppress(OSError):  # in use, or gone meanwhile, or not ours to remove
            claim = os.open(holder, os.O_RDONLY)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if (holder / _PREVIOUS).exists():
                    _give_back(holder / path.name, path)
                    _give_back(holder / _PREVIOUS, path)
                shutil.rmtree(holder)
            finally:
                os.close(claim)


def _give_back(kept: Path, path: Path) -> None:
    if kept.exists() and not path.exists():
        kept.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON (sorted as given, two spaces, a last newline) in one step."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal; a package has a hundred small ones, so without buffers of their own."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {path} ({error.strerror or error})",
        expected="a writable place with free space",
        remedy="free some space or choose another folder, then run the same command again",
    )
