"""A model that knows the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chromseg.errors import InputRefusedError
from chromseg.inference.result import ModelIdentity

WEIGHTS = "w" * 64


@dataclass
class Knowing:
    """A model that knows the truth by file name, and hands out what `change` makes of it."""

    masks: dict[str, np.ndarray]
    change: Callable[[np.ndarray], np.ndarray] = lambda masks: masks
    refuses: tuple[str, ...] = ()
    identity = ModelIdentity("knowing", "3", WEIGHTS, {}, None, {}, "0")

    def predict(self, source: Path, *, polarity: str) -> Any:
        assert polarity == "dark-on-light"
        if source.name in self.refuses:
            raise InputRefusedError("a blurred picture", expected="a sharp one", remedy="focus")
        found = [Instance(mask) for mask in self.change(self.masks[source.name])]
        return Found(found)


@dataclass
class Instance:
    mask: np.ndarray


@dataclass
class Found:
    instances: list[Instance]
