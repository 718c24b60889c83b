"""The part of the locked environment that code uses: `environment.yaml`, a value for each library.

A value changes when the library or anything it needs gets another version. Stages name the libraries that they import
as parameters, so that DVC retrains for a new torch and not for a new web server.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from chromseg.errors import ConfigError

# Names under which distributions are imported, where these differ by more than a hyphen; and what works behind one.
_DISTRIBUTIONS = {
    "PIL": ("pillow",),
    "skimage": ("scikit-image",),
    "yaml": ("pyyaml",),
    "tifffile": ("tifffile", "imagecodecs"),
}
_PINNED = re.compile(r"(?P<name>[a-z0-9._-]+)==(?P<version>[^\s;]+)")
_NEEDED_BY = re.compile(r"    #   (?:via )?(?P<name>[a-z0-9._-]+)$|    # via (?P<only>[a-z0-9._-]+)$")


@dataclass
class Locked:
    """A distribution in `requirements.lock`: its versions (several where platforms differ), and what it needs."""

    versions: list[str] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)


def distributions(libraries: Collection[str]) -> list[str]:
    """The distributions that imported packages come from, sorted."""
    return sorted(
        {name for library in libraries for name in _DISTRIBUTIONS.get(library, (library.replace("_", "-").lower(),))}
    )


def read_lock(text: str) -> dict[str, Locked]:
    """Distributions of a lock file that `uv pip compile` wrote, with its comments on what needs what."""
    found: dict[str, Locked] = {}
    name = ""
    for line in text.splitlines():
        if pinned := _PINNED.match(line):
            name = pinned["name"]
            found.setdefault(name, Locked()).versions.append(pinned["version"])
        elif needed := _NEEDED_BY.match(line):
            found.setdefault(needed["name"] or needed["only"], Locked()).needs.add(name)
    return found


def environment(lock: str, wanted: Collection[str]) -> dict[str, str]:
    """What `environment.yaml` says of distributions: version, and a hash of the versions of all that they need.

    Args:
        lock: Content of `requirements.lock`.
        wanted: Names of distributions.

    Raises:
        ConfigError: One is not locked.
    """
    locked = read_lock(lock)
    missing = [name for name in wanted if not locked.get(name, Locked()).versions]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} not in requirements.lock",
            expected="every library that a stage imports",
            remedy="name it in pyproject.toml and run `make lock`",
        )
    return {name: _value(name, locked) for name in sorted(wanted)}


def _value(name: str, locked: dict[str, Locked]) -> str:
    needed = sorted(_needed(name, locked) - {name})
    text = "\n".join(f"{each}=={' '.join(locked[each].versions)}" for each in needed)
    needs = f", on {hashlib.sha256(text.encode()).hexdigest()[:12]}" if needed else ""
    return " or ".join(locked[name].versions) + needs


def _needed(name: str, locked: dict[str, Locked]) -> set[str]:
    """The distribution and all that it needs, directly or by way of others."""
    found: set[str] = set()
    todo = [name]
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += locked[each].needs
    return found
