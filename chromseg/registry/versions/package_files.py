"""Every file of an MLflow package, by name and content: what the audit log vouches for.

Python would put compiled code beside the code that it loads, and run what somebody else put there instead of it. A
*file* named `__pycache__` in every folder with code keeps Python from both, so that whatever is in the folder counts.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from chromseg.files import sha256
from chromseg.registry.log.entries import canonical

MODEL = "artifacts/model"  # where MLflow puts the model folder inside its own
_BYTECODE = "__pycache__"
_META = "registered_model_meta"  # MLflow writes name and version into a local package whenever it loads it
_META_KEYS = {"model_name", "model_version"}


def seal(package: Path) -> None:
    """Leave no place for compiled code beside the package's code."""
    for folder in {path.parent for path in package.rglob("*.py")}:
        (folder / _BYTECODE).write_text("A file, so that Python keeps no compiled code here.\n", encoding="utf-8")


def list_files(package: Path) -> dict[str, str]:
    """SHA-256 of each file by its name below the package's folder, with `/`; what is neither file nor folder as such.

    MLflow's note under which name it loaded the package is left out, as long as it says no more than that.
    """
    found = {}
    for name, entry in sorted(_entries(package), key=lambda each: each[0]):
        if not entry.is_file(follow_symlinks=False):
            found[name] = "no file"
        elif name != _META or not _is_harmless(Path(entry.path)):
            found[name] = sha256(Path(entry.path))
    return found


def hash_of(files: Mapping[str, str]) -> str:
    """One SHA-256 over all names and hashes."""
    return hashlib.sha256(canonical(dict(files)).encode()).hexdigest()


def _entries(folder: os.PathLike[str], before: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What is in a folder and in those below, links not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry, f"{before}{entry.name}/")
            else:
                yield f"{before}{entry.name}", entry


def _is_harmless(meta: Path) -> bool:
    if meta.stat().st_size > 1000:
        return False
    try:
        values = yaml.safe_load(meta.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
    plain = isinstance(values, dict) and values.keys() <= _META_KEYS
    return plain and all(isinstance(value, str | int) for value in values.values())
