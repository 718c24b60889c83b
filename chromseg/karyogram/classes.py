"""The 24 classes of human chromosomes, and the rows in which a karyogram shows them."""

from __future__ import annotations

CLASSES = (*map(str, range(1, 23)), "X", "Y")
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
