"""Seams between chromosomes that touch."""

from __future__ import annotations

import numpy as np

from chromseg.annotations.contact import contact_map, seam


def _bar(rows: slice, cols: slice) -> np.ndarray:
    mask = np.zeros((64, 64), dtype=bool)
    mask[rows, cols] = True
    return mask


def test_abutting_bars_have_a_seam_of_one_pixel_on_either_side() -> None:
    found = seam(_bar(slice(20, 30), slice(5, 25)), _bar(slice(20, 30), slice(25, 50)))
    assert sorted(set(np.nonzero(found)[1])) == [24, 25]
    assert found[20:30, 24].all()


def test_a_gap_of_one_pixel_belongs_to_the_seam_and_a_gap_of_three_ends_it() -> None:
    left = _bar(slice(20, 30), slice(5, 25))
    assert seam(left, _bar(slice(20, 30), slice(26, 50)))[20:30, 25].all()
    assert not seam(left, _bar(slice(20, 30), slice(28, 50))).any()


def test_in_a_picture_twice_as_fine_the_seam_is_the_same() -> None:
    left, right = _bar(slice(10, 20), slice(5, 25)), _bar(slice(10, 20), slice(26, 40))
    fine = seam(left.repeat(2, 0).repeat(2, 1), right.repeat(2, 0).repeat(2, 1), unit=2)
    assert (fine == seam(left, right).repeat(2, 0).repeat(2, 1)).all()


def test_a_true_crossing_and_its_rim_are_no_seam() -> None:
    assert not seam(_bar(slice(20, 30), slice(5, 60)), _bar(slice(5, 60), slice(20, 30))).any()


def test_a_small_overlap_counts_as_touching() -> None:
    found = seam(_bar(slice(20, 30), slice(5, 26)), _bar(slice(20, 30), slice(24, 50)))
    assert found[22:28, 24:26].all()


def test_the_map_of_an_image_joins_the_seams_of_all_pairs() -> None:
    bars = [_bar(slice(20, 30), slice(left, left + 15)) for left in (0, 15, 30)]
    assert (contact_map(np.stack(bars)) == (seam(bars[0], bars[1]) | seam(bars[1], bars[2]))).all()


def test_none_one_and_empty_masks_have_no_seams() -> None:
    bar = _bar(slice(20, 30), slice(5, 25))
    for masks in (np.zeros((0, 64, 64), dtype=bool), bar[None], np.stack([bar, np.zeros_like(bar)])):
        assert not contact_map(masks).any()
