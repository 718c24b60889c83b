"""The 24 classes of human chromosomes, and the rows in which a karyogram shows them."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

ClassName: TypeAlias = Literal[
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21",
    "22", "X", "Y",
]  # fmt: skip
CLASSES: tuple[str, ...] = get_args(ClassName)
GROUPS = {
    "A": ("1", "2", "3"),
    "B": ("4", "5"),
    "C": ("6", "7", "8", "9", "10", "11", "12", "X"),
    "D": ("13", "14", "15"),
    "E": ("16", "17", "18"),
    "F": ("19", "20"),
    "G": ("21", "22", "Y"),
}  # Denver groups: X is as long as those of C, Y as short as those of G
ROWS = (("A", "B"), ("C",), ("D", "E"), ("F", "G"))
