"""What a stage's result hangs on besides its data: the files that its module imports, and the libraries.

Read from the code, imports inside functions included, so that nobody has to keep a list.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from chromseg.registry.versions.package_code import imported

# What tells, stores or shows results without having a part in them; what only these import is no dependency either.
# `chromseg/__init__.py` itself, which names the interface, is left out too.
PLUMBING = (
    "chromseg.api",
    "chromseg.cli",
    "chromseg.extras",
    "chromseg.pages",
    "chromseg.project",
    "chromseg.registry",
    "chromseg.serving",
)
_OURS = ("chromseg", "pipelines")
_MOST = 0.6  # a folder stands for its files from this share on


@dataclass(frozen=True)
class Closure:
    """What a module imports, itself included.

    Attributes:
        files: Of this project, relative to its top folder.
        libraries: Names of the packages of others, as imported.
    """

    files: frozenset[Path]
    libraries: frozenset[str]


def closure(module: str, top: Path = Path()) -> Closure:
    """The modules that `module` imports, directly or by way of others, less the plumbing; with their packages."""
    files: set[Path] = set()
    libraries: set[str] = set()
    todo, seen = [*_with_packages(module)], set[str]()
    while todo:
        name = todo.pop()
        if name in seen or _is_plumbing(name):
            continue
        seen.add(name)
        file = _file(name, top)
        if file is None:
            continue
        files.add(file)
        names = _imported(top / file)
        todo += [each for each in names if each.split(".")[0] in _OURS]
        libraries |= {each.split(".")[0] for each in names} - {*_OURS, *sys.stdlib_module_names}
    return Closure(frozenset(files), frozenset(libraries))


def condensed(files: Collection[Path], top: Path = Path()) -> list[str]:
    """The files, sorted; where most of a package's are among them, its folder stands for them."""
    found: list[str] = []
    for package, group in groupby(sorted(files, key=lambda file: file.parts), key=lambda file: file.parts[:-1][:2]):
        names = [file.as_posix() for file in group]
        below = list((top / Path(*package)).rglob("*.py"))
        whole = len(package) == 2 and len(names) >= _MOST * len(below)
        found += [Path(*package).as_posix()] if whole else names
    return found


def _is_plumbing(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in PLUMBING) or module == "chromseg"


def _file(module: str, top: Path) -> Path | None:
    path = Path(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if (top / file).is_file()), None)


@cache
def _imported(file: Path) -> frozenset[str]:
    """Names of all modules that a file may import; of `from a import b` both `a` and `a.b`, and their packages."""
    return frozenset(each for name in set(imported(file)) for each in _with_packages(name))


def _with_packages(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
