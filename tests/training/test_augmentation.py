"""Random changes keep image and maps aligned."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.config import AugmentConfig
from chromseg.training.augmentation import change_intensity, random_warp, warp

SIZE = 33
IDENTITY = np.eye(2)


@pytest.fixture
def blob() -> np.ndarray:
    """float32 (2, 60, 60): a smooth hump well off the middle, and where it exceeds one half."""
    rows, cols = np.mgrid[:60, :60]
    hump = np.exp(-(((rows - 24) / 6) ** 2 + ((cols - 33) / 4) ** 2)).astype(np.float32)
    return np.stack([hump, (hump > 0.5).astype(np.float32)])


def test_the_identity_cuts_the_window_around_the_centre(blob: np.ndarray) -> None:
    cut = warp(blob, IDENTITY, (24, 33), SIZE)
    np.testing.assert_allclose(cut, blob[:, 24 - 16 : 24 + 17, 33 - 16 : 33 + 17], atol=1e-4)


def test_a_quarter_turn_is_numpys(blob: np.ndarray) -> None:
    turned = warp(blob, np.array([[0.0, -1.0], [1.0, 0.0]]), (24, 33), SIZE)
    expected = np.rot90(blob[:, 8:41, 17:50], k=1, axes=(1, 2))
    assert min(np.abs(turned - expected).max(), np.abs(turned - np.rot90(expected, 2, axes=(1, 2))).max()) < 1e-3


@pytest.mark.parametrize("seed", range(8))
def test_image_and_map_stay_aligned_under_any_warp(blob: np.ndarray, seed: int) -> None:
    matrix = random_warp(np.random.default_rng(seed), AugmentConfig(rotation=180, scale=0.3))
    image, mask = warp(blob, matrix, (26.3, 30.8), SIZE)
    agree = (image > 0.5) == (mask >= 0.5)
    assert agree.mean() > 0.98
    assert (mask >= 0.5).sum() > 20


@pytest.mark.parametrize("centre", [(-500.0, 3.0), (3.0, 900.0), (0.0, 0.0)])
def test_outside_the_source_is_ground(blob: np.ndarray, centre: tuple[float, float]) -> None:
    cut = warp(np.ones_like(blob), IDENTITY, centre, SIZE)
    assert cut.shape == (2, SIZE, SIZE)
    assert cut[:, 0].max() == 0


def test_a_warp_keeps_angles_and_stays_within_the_allowed_zoom() -> None:
    config = AugmentConfig(rotation=90, scale=0.2, flip=True)
    matrices = [random_warp(np.random.default_rng(seed), config) for seed in range(200)]
    zooms = np.array([np.sqrt(abs(np.linalg.det(matrix))) for matrix in matrices])
    for matrix, zoom in zip(matrices, zooms, strict=True):
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(2) * zoom**2, atol=1e-12)
    assert 1 / 1.2 - 1e-9 <= zooms.min() < 0.87 and 1.15 < zooms.max() <= 1 / 0.8 + 1e-9
    assert 0.3 < np.mean([np.linalg.det(matrix) < 0 for matrix in matrices]) < 0.7


def test_no_augmentation_is_the_identity() -> None:
    config = AugmentConfig(rotation=0, flip=False, scale=0)
    np.testing.assert_allclose(random_warp(np.random.default_rng(0), config), IDENTITY)


def test_intensity_changes_stay_within_absorbance(blob: np.ndarray) -> None:
    changed = [change_intensity(np.random.default_rng(seed), blob[0], 1.0) for seed in range(30)]
    assert all(image.dtype == np.float32 and image.min() >= 0 and image.max() <= 1 for image in changed)
    assert np.std([image.mean() for image in changed]) > 0.01


def test_strength_zero_changes_nothing(blob: np.ndarray) -> None:
    image = blob[0]
    assert change_intensity(np.random.default_rng(0), image, 0.0) is image
