"""Pictures of one metaphase, also where the stage was moved between them: fields that overlap show the same cells.

Measured with the fields laid over one another as they fit best: different metaphases of `bioimlab`, `mfish` and `cil24`
correlate up to 0.73; one metaphase under two case numbers, a quarter of a field apart, 0.93.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft, ndimage

from chromseg.annotations.copies import LOOK_ALIKE, Thumbnail, find_look_alikes, thumbnail
from chromseg.arrays import F32, F64

SAME_METAPHASE = 0.85  # correlation of two fields where they overlap that is no chance
_COARSE, _FINE = 32, 64  # sides of the pictures compared: first all, then those that may be alike
_MAYBE = 0.6  # correlation of the coarse ones from which the fine ones are compared
_OVERLAP = 0.5  # share of a field that two pictures have in common at least
_GROUND = 8  # a lamp's uneven light changes over more than this part of the field
_FIELD = 257  # px; what is not larger on both sides is a cut-out, centred whatever it shows
_MOST = 3000  # pictures that are compared with fields moved; that takes a few minutes
_BLOCK = 64
_FLAT = 1e-3  # sum of squares of a part without anything on it


@dataclass(frozen=True)
class _Fields:
    """Small pictures ready to be laid over one another, at shifts in cyclic order: none, 1, 2, … , -2, -1.

    Attributes:
        spectra: complex64 (N, S, S // 2 + 1).
        sums: float32 (N, S, S), of the part that another picture, moved by each shift, lies on.
        scales: float32 (N, S, S), one over the deviation of that part from its mean, 0 where too little overlaps.
        shares: float32 (S, S), one over the number of pixels that overlap.
    """

    spectra: npt.NDArray[np.complex64]
    sums: F32
    scales: F32
    shares: F32

    @classmethod
    def of(cls, pictures: Sequence[F32]) -> _Fields:
        side = pictures[0].shape[0]
        extent = fft.next_fast_len(side + side // 2, real=True)
        counts = _overlaps(np.ones((side, side)), extent)
        sums = np.stack([_overlaps(picture, extent) for picture in pictures])
        squares = np.stack([_overlaps(picture**2, extent) for picture in pictures]) - sums**2 / np.maximum(counts, 1)
        scales = np.where(counts >= _OVERLAP * side * side, 1 / np.sqrt(np.maximum(squares, _FLAT)), 0)
        spectra = np.stack([fft.rfft2(picture, (extent, extent)) for picture in pictures])
        tables = (each.astype(np.float32) for each in (sums, scales, 1 / np.maximum(counts, 1)))
        return cls(spectra.astype(np.complex64), *tables)

    def turned(self) -> _Fields:
        """The same tables, read at the opposite shift: how the other one of a pair sees it."""
        sums, scales = (np.roll(each[:, ::-1, ::-1], 1, axis=(1, 2)) for each in (self.sums, self.scales))
        return _Fields(self.spectra.conj(), sums, scales, self.shares)

    def correlations(self, one: int, others: _Fields, some: slice) -> F32:
        """The best correlation over all shifts of one picture with each of `some` of the turned `others`: (M,)."""
        products = fft.irfft2(self.spectra[one] * others.spectra[some], self.shares.shape)
        products -= others.sums[some] * (self.sums[one] * self.shares)
        products *= others.scales[some] * self.scales[one]
        return np.asarray(products.max(axis=(1, 2)))


def same_scenes(greys: Iterable[npt.NDArray[Any]]) -> list[int]:
    """Number the scenes that pictures show: pictures of one metaphase, and pictures of one with these, show one.

    Args:
        greys: real (H, W) each, read one at a time.

    Returns:
        Of each picture, the index of the first that shows its scene.
    """
    thumbnails: list[Thumbnail | None] = []
    fields: dict[int, F32] = {}
    for index, grey in enumerate(greys):
        thumbnails.append(thumbnail(grey))
        if min(grey.shape) >= _FIELD and thumbnails[-1] is not None:
            fields[index] = _small(grey, _FINE)
    scenes = np.arange(len(thumbnails))
    for pair in [*find_look_alikes(thumbnails, LOOK_ALIKE), *_overlapping(fields)]:
        first, second = sorted(scenes[list(pair)])
        scenes[scenes == second] = first
    return [int(scene) for scene in scenes]


def _overlapping(fields: dict[int, F32]) -> Iterator[tuple[int, int]]:
    """Pairs of pictures whose fields overlap; none of a set too large to compare all with all."""
    if not 2 <= len(fields) <= _MOST:
        return
    keys, factor = list(fields), _FINE // _COARSE
    coarse = _Fields.of(
        [_normed(field.reshape(_COARSE, factor, _COARSE, factor).mean((1, 3))) for field in fields.values()]
    )
    turned = coarse.turned()
    for one in range(len(keys) - 1):
        for start in range(one + 1, len(keys), _BLOCK):
            maybe = coarse.correlations(one, turned, slice(start, start + _BLOCK)) >= _MAYBE
            for other in np.flatnonzero(maybe) + start:
                if correlation_where_overlapping(fields[keys[one]], fields[keys[other]]) >= SAME_METAPHASE:
                    yield keys[one], keys[other]


def correlation_where_overlapping(first: F32, second: F32) -> float:
    """How two small pictures (S, S) correlate where they overlap, moved to where they do best."""
    both = _Fields.of([first, second])
    return float(both.correlations(0, both.turned(), slice(1, 2))[0])


def _small(grey: npt.NDArray[Any], side: int) -> F32:
    """The picture in side×side means less its ground, of mean 0 and variance 1."""
    small = np.asarray(Image.fromarray(grey.astype(np.float32)).resize((side, side), Image.Resampling.BOX))
    return _normed(small - ndimage.gaussian_filter(small, side / _GROUND))


def _normed(picture: npt.NDArray[Any]) -> F32:
    centred = picture - picture.mean()
    return np.asarray(centred / max(float(centred.std()), 1e-6), dtype=np.float32)


def _overlaps(picture: npt.NDArray[Any], extent: int) -> F64:
    """Sums (extent, extent) of a picture over the part that another one, moved by each shift, lies on."""
    side = len(picture)
    sums = np.pad(picture.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    shifts = np.arange(extent)
    shifts = np.where(shifts <= extent // 2, shifts, shifts - extent)
    low, high = np.clip(shifts, 0, side), np.clip(side + shifts, 0, side)
    return np.asarray(sums[high][:, high] - sums[low][:, high] - sums[high][:, low] + sums[low][:, low])
