"""Masks at another size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from chromseg.arrays import Bool
from chromseg.images.scale import resize_mask


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
