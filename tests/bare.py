"""Python as it is where some libraries are not installed."""

from __future__ import annotations

from collections.abc import Collection

_CODE = """
import sys
from importlib.machinery import PathFinder

class Bare(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in {absent!r} else super().find_spec(name, path, target)

sys.meta_path = [Bare if finder is PathFinder else finder for finder in sys.meta_path]
"""


def without(absent: Collection[str]) -> str:
    """Code after which nothing imports these modules any more."""
    return _CODE.format(absent=set(absent))
