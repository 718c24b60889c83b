"""Pictures that are there twice: pixel for pixel, or saved anew with another compression, exposure or size.

Measured: different metaphases correlate up to 0.80 as thumbnails, different cut-outs of singles up to 0.92; the same
one at JPEG quality 50 or half the size, 0.997 and more. In the BioImLab set two cases hold one metaphase (0.9998).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Thumbnail: TypeAlias = npt.NDArray[np.float32]

_SIDE = 32


def thumbnail(grey: npt.NDArray[Any]) -> Thumbnail | None:
    """The picture in 32×32 means, of mean 0 and length 1: float32 (1024,), or None for one of a single grey level."""
    small = Image.fromarray(grey.astype(np.float32)).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    values = np.asarray(small).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return np.asarray(values / length, dtype=np.float32) if length > 0 else None


def find_look_alikes(thumbnails: Sequence[Thumbnail | None], correlation: float) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of thumbnails that correlate at least so much, in row-major order."""
    present = [index for index, found in enumerate(thumbnails) if found is not None]
    if len(present) < 2:
        return []
    stacked = np.stack([thumbnails[index] for index in present])  # type: ignore[misc]  # present ones only
    alike = np.triu(stacked @ stacked.T >= correlation, k=1)
    return [(present[i], present[j]) for i, j in np.argwhere(alike)]
