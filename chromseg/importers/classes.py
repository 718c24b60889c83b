"""Which names in an annotation file mean a chromosome."""

from __future__ import annotations

from chromseg.errors import DataError
from chromseg.importers.source import ImportOptions

_PLAIN = ("chromosome", "chromosomes", "chr", "chrom")
_GROUPS = {"A": (1, 3), "B": (4, 5), "C": (6, 12), "D": (13, 15), "E": (16, 18), "F": (19, 20), "G": (21, 22)}
_NUMBERED = [(f"{group}{n}", str(n)) for group, (first, last) in _GROUPS.items() for n in range(first, last + 1)]
KARYOTYPE = tuple(name for pair in [*_NUMBERED, ("X", "Y")] for name in pair)  # A1, 1, A2, 2, … G22, 22, X, Y

_SEX = {"23": "X", "24": "Y"}  # in sets that number all 24, such as AutoKary2022 and M-FISH


def class_of(label: str, options: ImportOptions) -> str | None:
    """The category that a label stands for.

    Args:
        label: As written in the source: `chr`, `chromosome`, a karyotype class (`A1` … `G22`, `1` … `22`, `X`, `Y`,
            with or without `chr` before it; 23 is X, 24 is Y), or one of `options.classes`.
        options: `classes` adds names, `ignore` names labels to leave out.

    Returns:
        `chromosome` for the plain names, else the label itself; None if it is to be ignored.

    Raises:
        DataError: The label is not among them.
    """
    if label in options.ignore:
        return None
    if label in options.classes:
        return label
    if label.lower() in _PLAIN:
        return "chromosome"
    bare = label[3:].lstrip("_- ") if label.lower().startswith("chr") else label
    if bare in _SEX:
        return _SEX[bare]
    if bare.upper() in KARYOTYPE:
        return label
    raise DataError(
        f"unknown class {label!r}",
        expected="chromosome, chr, or a karyotype class such as A1, 21 or X",
        remedy=f"name it with --classes {label} if it is a chromosome, with --ignore {label} if it is not",
    )
