"""The classes and the rows of a karyogram."""

from __future__ import annotations

from chromseg.karyogram.classes import CLASSES, GROUPS, ROWS
from chromseg.synthesis.karyotype import CHROMOSOME_TYPES


def test_classes_are_those_of_the_ideogram_in_its_order() -> None:
    assert list(CLASSES) == [kind.name for kind in CHROMOSOME_TYPES]


def test_every_class_has_one_place_in_the_rows() -> None:
    shown = [name for row in ROWS for group in row for name in GROUPS[group]]
    assert sorted(shown) == sorted(CLASSES)
