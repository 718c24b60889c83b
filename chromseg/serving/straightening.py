"""A client's own instances pulled straight, for a karyogram: work for the pool, which needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from chromseg.arrays import U8
from chromseg.errors import DataError
from chromseg.inference.result import Masks, ModelIdentity
from chromseg.karyogram.cell import Cell, cell_of
from chromseg.karyogram.page import drawn_straight
from chromseg.serving.work import Drawing

MOST = 120  # chromosomes of a karyogram; a tetraploid cell has 92
MOST_PIXELS = 400_000  # of one; the graph through its mask takes some 300 bytes for each
MOST_TOGETHER = 4_000_000


@dataclass(frozen=True)
class Straight:
    """The chromosomes of a picture, straight.

    Attributes:
        cell: As the network sees them.
        drawn: As people see them: uint8 (h, w) each, dark on white, whichever end is up.
        cut_by: Which model found them.
        image_sha256: Of the file.
    """

    cell: Cell
    drawn: list[U8]
    cut_by: ModelIdentity
    image_sha256: str


@dataclass(frozen=True)
class Straightening(Drawing):
    """A client's own instances, to be pulled straight."""

    def __call__(self) -> Straight:
        """Draw the masks, and find their axes.

        Raises:
            InputRefusedError: The image cannot be read.
            DataError: An instance cannot be drawn; or they are too many, or too large.
        """
        _check(len(self.document.annotations), MOST, "chromosomes")
        result = self.result()
        areas = [int(instance.own.sum()) for instance in result.instances]
        _check(max(areas, default=0), MOST_PIXELS, "pixels in one chromosome")
        _check(sum(areas), MOST_TOGETHER, "pixels in all chromosomes together")
        return Straight(
            cell=cell_of(result.absorbance, Masks(result.instances)),
            drawn=drawn_straight(result.absorbance, Masks(result.instances)),
            cut_by=result.model,
            image_sha256=result.image_sha256,
        )


def _check(got: int, most: int, what: str) -> None:
    if got > most:
        raise DataError(
            f"{got:,} {what}",
            expected=f"at most {most:,} for a karyogram",
            remedy="send the chromosomes of one metaphase, of a picture with fewer pixels if need be",
        )
