"""The human karyotype as a drawing needs it: relative length, centromere and bands of the 24 chromosome types.

Lengths, centromeres and bands follow the public ideogram of the human reference genome (UCSC `cytoBand`, hg19),
sampled every 2.5 Mb: about the resolution of a metaphase, and one pixel of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chromseg.arrays import F64
from chromseg.errors import DataError

DIPLOID = 46

# Darkness in G-banding and brightness in Q-banding of one 2.5 Mb step. Digits are Giemsa positive at 0, 25, … 100 %;
# c centromere, v variable heterochromatin, s stalk of an acrocentric, y the end of Yq, dark in G and brilliant in Q.
_G_STAIN = {"0": 0.0, "1": 0.25, "2": 0.5, "3": 0.75, "4": 1.0, "c": 0.45, "v": 0.55, "s": 0.1, "y": 0.8}
_Q_STAIN = {"0": 0.0, "1": 0.25, "2": 0.5, "3": 0.75, "4": 1.0, "c": 0.2, "v": 0.3, "s": 0.1, "y": 1.0}

_IDEOGRAM = """\
1 249 125.0 0101021011010100111310111221444444023033044002111cccvvvvv0021010101011121024214300011044441012133200
2 243 93.3 002003213201132110044144212111444100ccc0021101210222012432410132023200020332132001034300223410100
3 198 91.0 21210024421312113100112101220133022ccvv0031212222100101004421211443023023003200
4 191 50.4 0000120310044410110cc0014420331121133131222002330220444211010144124223243011
5 181 48.4 001022034242011002cc0002332220121444300442421144101400110132020144400100
6 171 61.0 01021033331200010034243cc4430022212004424400013444222102203112002100
7 159 59.9 01044214201233033122220cc002200344322231000233022130012101310100
8 146 45.6 03100443012133210cc0001222111142230442001013234221012003100
9 141 49.0 0101320144144110110cvvvvvv011121211210101440111320110000
10 136 40.2 001330033022110cc0110444214410201441311111342131100200
11 135 53.7 022212101423102442013c33001022144413400433441200110210
12 134 35.8 0100314424321cc444301012311103202440411330220021100200
13 115 17.9 vvssvvvc01000123000210430312411244404400231400
14 107 17.6 vssvvvcc01444113420420023020210142440112100
15 102 19.0 vvsvvvcc001012330032033210011011102101210
16 90 36.6 00020212112000cvvvv00224442022321100
17 81 24.0 011023100c0012200011332311230000
18 78 17.2 022100cc00444013310331112421100
19 59 26.5 00011110vvccv01111100101
20 63 27.5 0032133000cc0103210132100
21 48 13.2 vssvcc2442131021200
22 51 14.7 vvsvvcc00112022102000
X 155 60.6 01102221104324400320110cc0201134432432310002332034421003143000
Y 59 12.5 00000c220210yyyyyyyyyyyy"""


@dataclass(frozen=True)
class ChromosomeType:
    """One of the 24: all chromosomes of a type have the same length, centromere and bands."""

    name: str  # "1" … "22", "X", "Y"
    length: float  # Mb
    centromere: float  # Mb from the end of the short arm
    bands: str  # one letter a step from the end of the short arm, see `_G_STAIN`

    @cached_property
    def g_bands(self) -> F64:
        """Darkness of each step in G-banding, float64 (steps,) within 0–1."""
        return np.array([_G_STAIN[letter] for letter in self.bands])

    @cached_property
    def q_bands(self) -> F64:
        """Brightness of each step in Q-banding, float64 (steps,) within 0–1."""
        return np.array([_Q_STAIN[letter] for letter in self.bands])


def _parse(line: str) -> ChromosomeType:
    name, length, centromere, bands = line.split()
    return ChromosomeType(name, float(length), float(centromere), bands)


CHROMOSOME_TYPES = tuple(_parse(line) for line in _IDEOGRAM.splitlines())


def draw_karyotype(rng: np.random.Generator, count: int = DIPLOID) -> list[ChromosomeType]:
    """Choose the chromosomes of one cell: both homologues of 1–22 with XX or XY, or `count` of these at random.

    Returns:
        `count` types in random order.

    Raises:
        DataError: `count` is not within 1–46.
    """
    if not 1 <= count <= DIPLOID:
        raise DataError(
            f"{count} chromosomes a metaphase", expected=f"1 to {DIPLOID}", remedy="ask for a number in this range"
        )
    *autosomes, x, y = CHROMOSOME_TYPES
    cell = [*autosomes, *autosomes, x, x if rng.random() < 0.5 else y]
    return [cell[index] for index in rng.permutation(DIPLOID)[:count]]
