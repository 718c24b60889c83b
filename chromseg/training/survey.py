"""What a training run must know of its samples, gathered while they stream by: a fingerprint, and typical sizes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from chromseg.annotations.samples import Sample
from chromseg.images.appearance import estimate_width


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
            for column in (sample.boxes, sample.labels, sample.ignored):
                self._digest.update(b"" if column is None else np.ascontiguousarray(column).data)
            self._areas.extend(() if sample.masks is None else sample.masks.sum(axis=(1, 2)).tolist())
            self._widths.append(estimate_width(sample.image))
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
        """Pixels, by the same estimate that inference makes of a new image, so that their quotient is its scale."""
        widths = [width for width in self._widths if width > 0]
        return float(np.median(widths)) if widths else None
