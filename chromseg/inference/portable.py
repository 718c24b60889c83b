"""Names of results that every system can hold."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

_FORBIDDEN = {ord(sign): "_" for sign in '<>:"\\|?*'} | dict.fromkeys(range(32), "_")  # on Windows
AnyPath = TypeVar("AnyPath", Path, PurePosixPath, PureWindowsPath)


def portable(path: AnyPath) -> AnyPath:
    """A path below some folder as Windows can hold it too, so that results may be carried anywhere.

    What Windows forbids becomes `_`: signs such as `:`, and dots and spaces at an end, which it would drop in silence,
    so that two folders would become one. Names that are its devices' (`con`, `com1`) get one at their end.
    """
    return type(path)(*map(_portable, path.parts))


def _portable(name: str) -> str:
    name = name.translate(_FORBIDDEN)
    bare = name.rstrip(". ")
    if name in (".", ".."):
        return name
    name = bare + "_" * (len(name) - len(bare))
    stem, dot, rest = name.partition(".")
    return f"{stem}_{dot}{rest}" if PureWindowsPath(name).is_reserved() else name
