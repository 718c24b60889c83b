"""Pictures that are there twice, saved anew with another compression, exposure or size.

Measured: different metaphases correlate up to 0.80 as thumbnails, different cut-outs of singles up to 0.92; the same
one at JPEG quality 50 or half the size, 0.997 and more. In the BioImLab set two cases hold one metaphase (0.9998).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from chromseg.arrays import F32, Intp

Thumbnail: TypeAlias = F32

LOOK_ALIKE = 0.99  # correlation of two thumbnails that is no chance
_SIDE = 32
_BLOCK = 512  # pictures compared with all others at a time


def thumbnail(grey: npt.NDArray[Any]) -> Thumbnail | None:
    """The picture in 32×32 means, of mean 0 and length 1: float32 (1024,), or None for one of a single grey level."""
    small = Image.fromarray(grey.astype(np.float32)).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    values = np.asarray(small).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return np.asarray(values / length, dtype=np.float32) if length > 0 else None


def find_look_alikes(thumbnails: Sequence[Thumbnail | None], correlation: float) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of thumbnails that correlate at least so much, in row-major order."""
    return [(i, int(j)) for i, others in _look_alikes_of_each(thumbnails, correlation) for j in others]


def _look_alikes_of_each(thumbnails: Sequence[Thumbnail | None], correlation: float) -> Iterator[tuple[int, Intp]]:
    """Of each picture that has any, its look-alikes that come after it; a block at a time, which bounds the memory."""
    present = np.array([index for index, found in enumerate(thumbnails) if found is not None], dtype=np.intp)
    if len(present) < 2:
        return
    stacked = np.stack([thumbnails[index] for index in present])
    for start in range(0, len(present), _BLOCK):
        alike = np.abs(stacked[start : start + _BLOCK] @ stacked.T) >= correlation
        for rank, row in enumerate(alike, start=start):
            others = np.flatnonzero(row[rank + 1 :]) + rank + 1
            if others.size:
                yield int(present[rank]), present[others]
