"""Cells as the network sees them."""

from __future__ import annotations

import numpy as np
import pytest
from bent import straight

from chromseg.karyogram.cell import MEDIAN_ROWS, SIZES, STRIP, cell_of


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
    sizes = cell_of(absorbance, masks).sizes
    assert sizes.shape == (3, SIZES) and sizes.dtype == np.float32
    assert np.exp(sizes[:, 0]) == pytest.approx([30 / 50, 1, 80 / 50], rel=0.05)
    assert np.exp(sizes[:, 2]) == pytest.approx([30 / 50, 1, 80 / 50], rel=0.01)


def test_the_same_cell_at_twice_the_size_or_half_the_stain_looks_the_same() -> None:
    absorbance, masks = bars([30, 50, 80])
    usual = cell_of(absorbance, masks)
    larger = cell_of(
        np.kron(absorbance, np.ones((2, 2), np.float32)), [np.kron(m, np.ones((2, 2), bool)) for m in masks]
    )
    paler = cell_of(absorbance / 2, masks)
    assert larger.sizes == pytest.approx(usual.sizes, abs=0.06)
    assert np.abs(larger.strips.astype(int) - usual.strips)[:, 1].mean() < 8
    assert np.abs(paler.strips.astype(int) - usual.strips).max() <= 1


def test_a_cell_without_chromosomes_is_empty() -> None:
    cell = cell_of(np.zeros((9, 9), dtype=np.float32), [])
    assert cell.strips.shape == (0, 2, *STRIP) and cell.sizes.shape == (0, SIZES)


def test_a_chromosome_at_the_edge_of_the_picture_is_cut_out_too() -> None:
    absorbance, mask = straight()
    window = (slice(10, 50), slice(25, 34))  # just what the bar covers
    assert mask[window].all()
    assert rows_of(cell_of(absorbance[window], [mask[window]]).strips[0]) == pytest.approx(MEDIAN_ROWS, abs=3)
