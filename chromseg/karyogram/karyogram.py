"""A karyogram: the chromosomes of a cell in their places, and the count that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chromseg.arrays import F32
from chromseg.karyogram.classes import CLASSES
from chromseg.karyogram.places import PRICE, place

NOTE = "Placed by a program, for a person to check. A count of what was found, not a diagnosis."
SURE = 0.9  # sureness below which a placement is marked


@dataclass(frozen=True)
class Placed:
    """One chromosome of a karyogram.

    Attributes:
        number: Of its annotation, from 1.
        name: Its class, "1" … "22", "X" or "Y".
        probability: 0–1, of the class by the chromosome alone.
        sureness: 0.5–1, of the place in this cell (`places.Placement`).
        upside_down: Whether its axis, as found, begins at the end of the long arm.
        unsure: Whether a person should look.
        by_person: Whether a person gave it its name.
    """

    number: int
    name: str
    probability: float
    sureness: float
    upside_down: bool
    unsure: bool
    by_person: bool = False


@dataclass(frozen=True)
class Given:
    """What a person has said of a chromosome: its class, which end is up; None where nothing."""

    name: str | None = None
    upside_down: bool | None = None


@dataclass(frozen=True)
class Karyogram:
    """The chromosomes of one cell, by annotation number."""

    chromosomes: tuple[Placed, ...]

    def of(self, name: str) -> list[Placed]:
        """Those of a class."""
        return [each for each in self.chromosomes if each.name == name]

    @property
    def count(self) -> str:
        """Number and sex chromosomes in the form of ISCN, `46,XY`; autosomes beyond or short of two are not in it."""
        sex = "X" * len(self.of("X")) + "Y" * len(self.of("Y"))
        return f"{len(self.chromosomes)},{sex or '?'}"

    @property
    def unusual(self) -> dict[str, int]:
        """How many there are of each autosome of which there are not two."""
        found = Counter(each.name for each in self.chromosomes)
        return {name: found[name] for name in CLASSES[:-2] if found[name] != 2}

    @property
    def unsure(self) -> int:
        """How many placements a person should look at."""
        return sum(each.unsure for each in self.chromosomes)

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the note that it is no diagnosis."""
        return {
            "count": self.count,
            "note": NOTE,
            "not_two": self.unusual,
            "unsure": self.unsure,
            "chromosomes": [asdict(each) for each in self.chromosomes],
        }


def karyogram_of(answers: F32, given: Sequence[Given] = (), *, price: float = PRICE, sure: float = SURE) -> Karyogram:
    """Place the chromosomes of a cell.

    Args:
        answers: float32 (N, 24, 2), of each chromosome the probability of every class, upright and upside down.
        given: What a person has said of each, which stands; the others are placed around it. Empty: nothing.
        price: Of a place beyond those of a class (`places.place`).
        sure: Sureness below which a placement is marked.
    """
    said = given or [Given()] * len(answers)
    alone = answers.sum(axis=2)
    placement = place(_told(alone, said), price)
    return Karyogram(
        tuple(
            _placed(index + 1, each, placement.classes[index], placement.sureness[index], answers[index], sure)
            for index, each in enumerate(said)
        )
    )


def _told(alone: F32, said: Sequence[Given]) -> F32:
    """Probabilities (N, 24) that are certain of what a person has said."""
    told = alone.copy()
    for row, each in zip(told, said, strict=True):
        if each.name is not None:
            row[:] = 0
            row[CLASSES.index(each.name)] = 1
    return told


def _placed(number: int, said: Given, place: int, sureness: float, answers: F32, sure: float) -> Placed:
    """One chromosome, in its place or in the one that a person has given it; answers are float32 (24, 2)."""
    by_person = said.name is not None
    name = said.name or CLASSES[place]
    own = answers[CLASSES.index(name)]
    return Placed(
        number=number,
        name=name,
        probability=round(float(own.sum()), 4),
        sureness=1.0 if by_person else round(float(sureness), 4),
        upside_down=bool(np.argmax(own)) if said.upside_down is None else said.upside_down,
        unsure=not by_person and bool(sureness < sure),
        by_person=by_person,
    )
