"""A model that overlooks two chromosomes of the drawn cell, which its map shows all the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from drawn_cells import threshold_predictor

from chromseg.arrays import F32
from chromseg.inference.found import Found
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.prepared import Remainder

MISSED = [2, 3]  # indices of those that are overlooked: two bars of the drawn cell


@dataclass(frozen=True)
class _Overlooked:
    """What is left to do, and then two chromosomes are overlooked."""

    left: Remainder

    def __call__(self) -> Found:
        found = self.left()
        return found.subset([index for index in range(len(found.masks)) if index not in MISSED])


@dataclass(frozen=True)
class OverlookingPredictor(MapPredictor):
    """A network that is a threshold, and a stage 2 that overlooks what is no crossing."""

    def begin(self, images: Sequence[F32], at_once: float = math.inf) -> list[Remainder]:
        return [_Overlooked(left) for left in super().begin(images, at_once)]


def overlooking_predictor() -> OverlookingPredictor:
    sharp = threshold_predictor()
    return OverlookingPredictor(**{field.name: getattr(sharp, field.name) for field in fields(sharp)})
