"""A drawn chromosome: exact mask, right proportions, bands of its type, a waist at its centromere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from chromseg.synthesis.chromosome import Preparation, draw_chromosome, draw_preparation
from chromseg.synthesis.karyotype import CHROMOSOME_TYPES

PLAIN = Preparation(
    scale=0.5,
    width=12,
    bend=0,
    kink=0,
    cleft=0.6,
    waist=0,
    contrast=0.7,
    spread=0.05,
    patches=0,
    grain=0.1,
    dome=0.5,
    shadowing=0,
    banding="dark-on-light",
)  # straight, so that rows and columns are lengths and widths
BY_NAME = {kind.name: kind for kind in CHROMOSOME_TYPES}


def drawn(name: str, preparation: Preparation = PLAIN, seed: int = 0, heading: float = 0.0):
    return draw_chromosome(np.random.default_rng(seed), BY_NAME[name], preparation, heading)


@pytest.mark.parametrize("name", ["1", "9", "13", "21", "X", "Y"])
@pytest.mark.parametrize("banding", ["dark-on-light", "light-on-dark"])
def test_absorbance_lies_exactly_on_the_mask_which_is_one_piece_without_holes(name, banding):
    drawing = drawn(name, replace(PLAIN, bend=0.3, kink=0.2, waist=0.3, banding=banding))
    assert ((drawing.absorbance > 0) == drawing.mask).all()
    assert ndimage.label(drawing.mask)[1] == 1
    assert (ndimage.binary_fill_holes(drawing.mask) == drawing.mask).all()


def test_a_straight_chromosome_is_as_long_and_wide_as_asked():
    rows = np.nonzero(drawn("1").mask)[0]
    assert np.ptp(rows) + 1 == pytest.approx(249 * 0.5, rel=0.15)  # ± 3 sd of individual length
    across = np.bincount(rows - rows.min())
    assert np.median(across) == pytest.approx(12, abs=1.5)


def test_heading_turns_the_chromosome():
    down, right = drawn("1").mask, drawn("1", heading=np.pi / 2).mask
    assert np.ptp(np.nonzero(down)[0]) > 4 * np.ptp(np.nonzero(down)[1])
    assert np.ptp(np.nonzero(right)[1]) > 4 * np.ptp(np.nonzero(right)[0])


def test_the_waist_is_at_the_centromere():
    drawing = drawn("3", replace(PLAIN, waist=0.5))
    rows = np.nonzero(drawing.mask)[0]
    across = np.bincount(rows - rows.min())[12:-12]
    assert (np.argmin(across) + 12) / (np.ptp(rows) + 1) == pytest.approx(91 / 198, abs=0.05)


def profile(drawing) -> np.ndarray:
    """Mean absorbance along a straight chromosome, resampled to 100 points."""
    lines = (
        drawing.absorbance.sum(axis=1)[drawing.mask.any(axis=1)] / drawing.mask.sum(axis=1)[drawing.mask.any(axis=1)]
    )
    return np.interp(np.linspace(0, len(lines) - 1, 100), np.arange(len(lines)), lines)[5:-5]


def test_homologues_have_the_same_bands_and_other_types_have_not():
    one, homologue, other = (profile(drawn(*which)) for which in (("2", PLAIN, 1), ("2", PLAIN, 2), ("3", PLAIN, 3)))
    assert np.corrcoef(one, homologue)[0, 1] > 0.8
    assert np.corrcoef(one, other)[0, 1] < 0.5


def test_two_chromatids_show_as_a_paler_midline():
    drawing = drawn("1", replace(PLAIN, cleft=0.95, contrast=0, width=14))
    across = drawing.absorbance[20:-20].mean(axis=0)
    middle = round(np.average(np.arange(len(across)), weights=across))
    assert across[middle] < 0.8 * across[middle - 3]
    assert across[middle] < 0.8 * across[middle + 3]


def test_moving_moves_patch_and_axis_and_leaves_pixels():
    drawing = drawn("5")
    moved = drawing.moved(3, -4)
    assert (moved.row, moved.col) == (drawing.row + 3, drawing.col - 4)
    assert (moved.bottom, moved.right) == (drawing.bottom + 3, drawing.right - 4)
    assert np.allclose(moved.axis - drawing.axis, (3, -4))
    assert moved.mask is drawing.mask


def test_a_preparation_is_fitted_to_a_small_image_and_left_alone_in_a_large_one():
    assert PLAIN.fitted((576, 768), 46) == PLAIN
    small = PLAIN.fitted((150, 150), 2)  # 249 Mb × 0.5 px must shrink to 0.7 × 150 px
    assert small.scale == pytest.approx(105 / 249)
    assert small.width / small.scale == pytest.approx(PLAIN.width / PLAIN.scale)
    assert PLAIN.fitted((40, 40), 2).width == 9


def test_preparations_stay_wide_enough_for_crossings_of_40_px():
    widths = [draw_preparation(np.random.default_rng(seed), "light-on-dark").width for seed in range(200)]
    assert min(widths) >= 9
    assert np.median(widths) == pytest.approx(12.5, abs=0.8)
