"""First weights of a part that depend on its name and on one seed alone, whatever else a variant has."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Submodule = TypeVar("Submodule", bound=nn.Module)


def seeded(name: str, make: Callable[[], Submodule], seed: int | None = None) -> Submodule:
    """What `make` gives with random numbers that depend on nothing but a seed and `name`.

    Args:
        name: Of the part.
        make: Makes it.
        seed: Default: that of the part which this one is made in.
    """
    seed = torch.initial_seed() if seed is None else seed
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed ^ zlib.crc32(name.encode()))
        return make()
