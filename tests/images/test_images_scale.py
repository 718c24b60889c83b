"""Masks at another size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from chromseg.arrays import Bool
from chromseg.images.scale import coarse, coarse_shape, extent_in, extent_of, resize_mask


def _whole(mask: Bool, shape: tuple[int, int]) -> Bool:
    """As `resize_mask`, by resizing the whole picture."""
    picture = Image.fromarray(mask.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(np.asarray(picture) >= 0.4999)


@pytest.mark.parametrize("factor", [0.21, 0.5, 0.83, 1.31, 2.0, 2.77])
def test_a_mask_by_itself_is_as_the_whole_picture_resized(factor: float) -> None:
    rng = np.random.default_rng(int(100 * factor))
    for _ in range(20):
        height, width = rng.integers(30, 160, 2)
        rough = ndimage.gaussian_filter(rng.standard_normal((height, width)), rng.uniform(1, 6))
        mask = np.asarray(rough > np.quantile(rough, rng.uniform(0.7, 0.999)))
        shape = (max(1, round(height * factor)), max(1, round(width * factor)))
        np.testing.assert_array_equal(resize_mask(mask, shape), _whole(mask, shape))


def test_a_mask_that_is_empty_or_of_that_size_stays_so() -> None:
    assert not resize_mask(np.zeros((20, 30), bool), (40, 60)).any()
    mask = np.eye(20, dtype=bool)
    assert resize_mask(mask, (20, 20)) is mask


@pytest.mark.parametrize("shape", [(61, 83), (60, 83), (61, 84), (60, 84)])
def test_a_mask_becomes_as_coarse_as_the_picture_whose_odd_side_was_filled_up(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    for _ in range(20):
        rough = ndimage.gaussian_filter(rng.standard_normal(shape), 4)
        mask = np.asarray(rough > np.quantile(rough, 0.8))
        seen = coarse_shape(shape, 2)
        means = coarse(mask.astype(np.float32), 2)
        small = resize_mask(mask, seen, extent_of(shape, seen, shape))
        clear = np.abs(means - 0.5) > 0.3  # of four pixels all or none: bilinear interpolation looks a little farther
        assert (small == (means > 0.5))[clear].mean() > 0.99


@pytest.mark.parametrize("size", [(400, 501), (801, 600)])
def test_what_is_found_in_a_picture_of_odd_sides_lies_where_it_is(size: tuple[int, int]) -> None:
    mask = np.zeros(size, dtype=bool)
    bottom, right = ((side - 2) // 2 * 2 for side in size)
    mask[bottom - 12 : bottom, right - 88 : right] = mask[20:32, 20:100] = True
    means = coarse(mask.astype(np.float32), 2)
    again = resize_mask(np.asarray(means >= 0.5), size, extent_in(means.shape, size))
    for window in (np.s_[-40:, -120:], np.s_[:60, :120]):
        assert (again ^ mask)[window].sum() <= 0.03 * mask[window].sum()
