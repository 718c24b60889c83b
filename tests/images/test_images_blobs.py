"""What is thicker than any chromosome, found around where it can be, against its definition on the whole picture."""

import numpy as np
import pytest
from scipy import ndimage

from chromseg.arrays import Bool
from chromseg.images.blobs import without_blobs


def _by_definition(region: Bool, half_width: float) -> Bool:
    core = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1] > half_width
    if not core.any():
        return region
    return np.asarray(region & (ndimage.distance_transform_edt(~core) > half_width + 4))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("half_width", [2.0, 5.3, 9.0])
def test_blobs_are_those_of_the_definition(seed: int, half_width: float) -> None:
    rng = np.random.default_rng(seed)
    region = ndimage.gaussian_filter(rng.normal(size=(90, 120)), 3 + seed % 4) > 0  # some of it on the rim
    left = without_blobs(region, half_width)
    np.testing.assert_array_equal(left, _by_definition(region, half_width))


@pytest.mark.parametrize(("radius", "stays"), [(9.0, True), (10.0, False)])
def test_a_disc_goes_from_the_half_width_on(radius: float, stays: bool) -> None:
    rows, cols = np.mgrid[:60, :60]
    disc = (rows - 30) ** 2 + (cols - 30) ** 2 <= radius**2
    assert bool(without_blobs(disc, 10.0).any()) is stays
