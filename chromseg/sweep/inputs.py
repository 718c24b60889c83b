"""What a step reads, as hashes: whether that is still the same when the step has ended."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from chromseg.dvc import file_md5
from chromseg.sweep.plan import Step

_ASIDE = "__pycache__"  # as in .dvcignore
Inputs = Mapping[str, Any]  # file or parameter → hash or value; None where it is not there


def inputs_of(step: Step) -> Inputs:
    """The state of all that a step depends on, its command included."""
    found: dict[str, Any] = {"its command": step.command, **hashes_below(step.folder, step.reads)}
    for name, keys in step.params:
        values = _read(step.folder / name)
        found |= {f"{key} of {name}": _value(values, key) for key in keys}
    return found


def hashes_below(top: Path, names: Iterable[str]) -> Inputs:
    """The hash of each of some files, and of those in folders, by their paths from `top`."""
    return {file.relative_to(top).as_posix(): _md5(file) for name in names for file in _files(top / name)}


def changed(before: Inputs, after: Inputs) -> list[str]:
    """Names of what is not as it was."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, below, names in os.walk(path):
        below[:] = [each for each in below if each != _ASIDE]
        yield from (Path(folder) / name for name in names)


def _md5(file: Path) -> str | None:
    try:
        about = file.stat()
    except OSError:
        return None
    return _md5_of_state(file, about.st_mtime_ns, about.st_size, about.st_ino)


@cache
def _md5_of_state(file: Path, *_state: int) -> str:
    """A file is read once in each state, however many steps depend on it."""
    return file_md5(file)


def _read(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return None


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values
