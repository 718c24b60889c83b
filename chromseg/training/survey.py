"""What a training run must know of its samples, gathered while they stream by: a fingerprint, and typical sizes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
from scipy import ndimage

from chromseg.annotations.rasterize import BoolArray
from chromseg.annotations.samples import Sample


class Survey:
    """Watches samples pass.

    Attributes:
        fingerprint: Hexadecimal SHA-256 of the samples seen so far, in their order.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._areas: list[float] = []
        self._widths: list[float] = []

    def watch(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Hand the samples on, one by one."""
        for sample in samples:
            self._digest.update(repr((sample.name, sample.kind, sample.image.shape)).encode())
            for plane in (sample.image, sample.chromosome, sample.crossing):
                self._digest.update(np.ascontiguousarray(plane).data)
            for mask in () if sample.masks is None else sample.masks:
                self._areas.append(float(np.count_nonzero(mask)))
                self._widths.append(chromosome_width(mask))
            yield sample

    @property
    def fingerprint(self) -> str:
        """Of the samples seen so far."""
        return self._digest.hexdigest()

    @property
    def median_area(self) -> float | None:
        """Pixels; None if no masks were seen."""
        return float(np.median(self._areas)) if self._areas else None

    @property
    def median_width(self) -> float | None:
        """Pixels; None if no masks were seen."""
        return float(np.median(self._widths)) if self._widths else None


def chromosome_width(mask: BoolArray) -> float:
    """Width of a long shape in pixels, from the mean distance of its pixels to its border, which is a quarter of it.

    Args:
        mask: bool (H, W); 0.0 if empty.
    """
    if not mask.any():
        return 0.0
    rows, cols = np.nonzero(mask)
    box = mask[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    distance = ndimage.distance_transform_edt(np.pad(box, 1))
    return float(4 * (distance[distance > 0].mean() - 0.5))
