"""Cells as the network sees them."""

from __future__ import annotations

import numpy as np
import pytest
from bent import straight

from chromseg.karyogram.cell import FIGURES, MEDIAN_COLUMNS, MEDIAN_ROWS, STRIP, cell_of

CONTRASTS = ((0.2, 0.1), (0.4, 0.05), (0.6, 0.2))  # mean absorbance of bands, and how much they differ from it


def bars(lengths: list[int], absorbed: float = 0.4) -> tuple[np.ndarray, list[np.ndarray]]:
    masks = [straight(length, 9, 120)[1] for length in lengths]
    return np.where(np.any(masks, axis=0), absorbed, 0).astype(np.float32), masks


def rows_of(strip: np.ndarray) -> int:
    return int((strip[1] > 127).any(axis=1).sum())


def test_the_median_chromosome_takes_a_known_number_of_rows() -> None:
    absorbance, masks = bars([30, 50, 80])
    cell = cell_of(absorbance, masks)
    assert cell.strips.shape == (3, 2, *STRIP) and cell.strips.dtype == np.uint8
    assert [rows_of(strip) for strip in cell.strips] == pytest.approx(
        [MEDIAN_ROWS * 30 / 50, MEDIAN_ROWS, MEDIAN_ROWS * 80 / 50], abs=4
    )


def test_sizes_are_those_relative_to_the_cell() -> None:
    absorbance, masks = bars([30, 50, 80])
    figures = cell_of(absorbance, masks).figures
    assert figures.shape == (3, FIGURES) and figures.dtype == np.float32
    assert np.exp(figures[:, 0]) == pytest.approx([30 / 50, 1, 80 / 50], rel=0.05)
    assert np.exp(figures[:, 2]) == pytest.approx([30 / 50, 1, 80 / 50], rel=0.01)


def test_thick_chromosomes_take_no_more_columns_than_thin_ones() -> None:
    """Contracted ones, as thick as they please, are not cut off at the sides of their strips."""
    for width in (7, 15, 31):
        absorbance, mask = straight(70, width, 120)
        (strip,) = cell_of(absorbance, [mask]).strips
        assert (strip[1] > 127).sum() / rows_of(strip) == pytest.approx(MEDIAN_COLUMNS, abs=1.5)


def test_each_chromosome_has_one_tone_and_contrast_and_its_own_figures_of_them() -> None:
    _, masks = bars([40, 40, 40])
    banded = [np.where(np.arange(120)[:, None] // 5 % 2, tone + half, tone - half) for tone, half in CONTRASTS]
    wholes = [cell_of(picture.astype(np.float32) * masks[0], masks[:1]) for picture in banded]
    inside = wholes[0].strips[0, 1] > 250
    for whole in wholes:
        shown = whole.strips[0, 0][inside] / 255
        assert (shown.mean(), shown.std()) == pytest.approx((0.5, 0.18), abs=0.03)
    side_by_side = np.concatenate([picture * masks[0] for picture in banded], axis=1).astype(np.float32)
    places = [np.roll(np.pad(masks[0], ((0, 0), (0, 240))), 120 * index, axis=1) for index in range(3)]
    figures = np.exp(cell_of(side_by_side, places).figures)
    assert figures[:, 3] == pytest.approx([0.2 / 0.4, 1, 0.6 / 0.4], rel=0.05)
    assert figures[:, 4] == pytest.approx([1, 0.05 / 0.1, 0.2 / 0.1], rel=0.1)


def test_the_same_cell_at_twice_the_size_or_half_the_stain_looks_the_same() -> None:
    absorbance, masks = bars([30, 50, 80])
    usual = cell_of(absorbance, masks)
    larger = cell_of(
        np.kron(absorbance, np.ones((2, 2), np.float32)), [np.kron(m, np.ones((2, 2), bool)) for m in masks]
    )
    paler = cell_of(absorbance / 2, masks)
    assert larger.figures[:, :4] == pytest.approx(usual.figures[:, :4], abs=0.06)
    assert paler.figures == pytest.approx(usual.figures, abs=1e-4)
    assert np.abs(larger.strips.astype(int) - usual.strips)[:, 1].mean() < 8
    assert np.abs(paler.strips.astype(int) - usual.strips).max() <= 1


def test_a_cell_without_chromosomes_is_empty() -> None:
    cell = cell_of(np.zeros((9, 9), dtype=np.float32), [])
    assert cell.strips.shape == (0, 2, *STRIP) and cell.figures.shape == (0, FIGURES)


def test_a_chromosome_at_the_edge_of_the_picture_is_cut_out_too() -> None:
    absorbance, mask = straight()
    window = (slice(10, 50), slice(25, 34))  # just what the bar covers
    assert mask[window].all()
    assert rows_of(cell_of(absorbance[window], [mask[window]]).strips[0]) == pytest.approx(MEDIAN_ROWS, abs=3)
