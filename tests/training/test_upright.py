"""Which end is up, on chromosomes drawn from the ideogram."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.karyogram.cell import STRIP
from chromseg.synthesis.karyotype import CHROMOSOME_TYPES
from chromseg.training.upright import PLACES, profile_of, upside_down


def drawn(number: int, rng: np.random.Generator) -> np.ndarray:
    """A strip uint8 (2, rows, columns) with the bands of a class, short arm up, noisy."""
    bands = CHROMOSOME_TYPES[number].g_bands
    rows = round(100 * len(bands) / 100)
    strip = np.zeros((2, *STRIP))
    top = (STRIP[0] - rows) // 2
    profile = np.interp(np.linspace(0, len(bands) - 1, rows), np.arange(len(bands)), bands)
    strip[0, top : top + rows, 12:20] = 0.3 + 0.5 * profile[:, None] + rng.normal(0, 0.05, (rows, 8))
    strip[1, top : top + rows, 12:20] = 1
    return np.rint(255 * np.clip(strip, 0, 1)).astype(np.uint8)


def test_chromosomes_that_stand_on_their_head_are_found() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(24), 8)
    turned = rng.random(len(labels)) < 0.5
    strips = np.stack(
        [drawn(number, rng)[:, :: -1 if down else 1] for number, down in zip(labels, turned, strict=True)]
    )
    assert (upside_down(strips, labels) == turned).mean() > 0.98


def test_a_profile_reads_from_tip_to_tip() -> None:
    strip = np.zeros((2, *STRIP), dtype=np.uint8)
    strip[1, 20:84, 10:20] = 255
    strip[0, 20:52, 10:20] = 200
    profile = profile_of(strip)
    assert profile.shape == (PLACES,) and profile.mean() == pytest.approx(0, abs=1e-9)
    assert (profile[: PLACES // 2 - 1] > 0).all() and (profile[PLACES // 2 + 1 :] < 0).all()
    assert profile_of(np.zeros((2, *STRIP), dtype=np.uint8)).tolist() == [0.0] * PLACES


def test_nothing_is_asked_of_no_chromosomes() -> None:
    assert upside_down(np.zeros((0, 2, *STRIP), dtype=np.uint8), np.zeros(0, dtype=np.int64)).shape == (0,)
