"""Which end of a training chromosome is up: nobody has written it down, so its bands are compared with the ideogram.

The mean of a class's chromosomes, each turned the way that fits better, resembles real ones more than the ideogram
does; so the ideogram decides first, and that mean afterwards.
"""

from __future__ import annotations

import numpy as np

from chromseg.arrays import F64, I64, U8, Bool
from chromseg.synthesis.karyotype import CHROMOSOME_TYPES

PLACES = 64  # at which a profile is read, from tip to tip
_ROUNDS = 6
Profile = F64


def upside_down(strips: U8, labels: I64) -> Bool:
    """Which chromosomes have their long arm up.

    Args:
        strips: uint8 (N, 2, rows, columns), as of `karyogram.cell`.
        labels: int64 (N,), their classes from 0, in the order 1–22, X, Y.

    Returns:
        bool (N,).
    """
    profiles = np.array([profile_of(strip) for strip in strips]).reshape(-1, PLACES)
    turned = np.zeros(len(labels), dtype=bool)
    for number, kind in enumerate(CHROMOSOME_TYPES):
        own = labels == number
        if own.any():
            turned[own] = _turned(profiles[own], _standard(_resampled(kind.g_bands)))
    return turned


def profile_of(strip: U8) -> Profile:
    """Mean absorbance of each cross-section, from tip to tip: float64 (`PLACES`,) of mean 0 and norm 1.

    Args:
        strip: uint8 (2, rows, columns).
    """
    absorbance, mask = strip.astype(np.float64).sum(axis=2)
    rows = np.flatnonzero(mask > 0)
    if not rows.size:
        return np.zeros(PLACES)
    inner = slice(rows[0], rows[-1] + 1)
    return _standard(_resampled(absorbance[inner] / np.maximum(mask[inner], 1)))


def _turned(profiles: Profile, template: Profile) -> Bool:
    """Which of the profiles (N, `PLACES`) of one class fit better the other way round."""
    turned = np.zeros(len(profiles), dtype=bool)
    for _ in range(_ROUNDS):
        turned = profiles @ template < profiles[:, ::-1] @ template
        template = np.where(turned[:, None], profiles[:, ::-1], profiles).mean(axis=0)
    return turned


def _resampled(values: F64) -> Profile:
    """A profile of any length at `PLACES` places."""
    return np.interp(np.linspace(0, len(values) - 1, PLACES), np.arange(len(values)), values)


def _standard(values: Profile) -> Profile:
    """Of mean 0 and norm 1."""
    centred = values - values.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-9))
