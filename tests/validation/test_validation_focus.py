"""The blur estimate: exact on a drawn edge, whatever its contrast, noise or place."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_dataset import bars, draw
from scipy import ndimage

from chromseg.validation.facts import colour_spread, full_scale, image_facts
from chromseg.validation.focus import MAX_BLUR, blur_width


def edge(sigma: float, side: int = 64) -> np.ndarray:
    step = np.zeros((side, side), np.float32)
    step[:, side // 2 :] = 1
    return ndimage.gaussian_filter(step, sigma, mode="nearest") if sigma else step


@pytest.mark.parametrize("sigma", [4.0, 5.0, 6.0, 8.0])
def test_sigma_of_an_edge(sigma: float) -> None:
    assert blur_width(edge(sigma))[0] == pytest.approx(sigma, rel=0.2)


def test_sharp_edges_stay_below_the_limits() -> None:
    assert blur_width(edge(0))[0] < 3
    assert blur_width(edge(2))[0] < 3.5


def test_contrast_place_and_direction_do_not_matter() -> None:
    wanted = blur_width(edge(3))[0]
    assert blur_width(0.1 * edge(3) + 0.4)[0] == pytest.approx(wanted, rel=1e-3)
    assert blur_width(1 - edge(3))[0] == pytest.approx(wanted, rel=1e-3)
    assert blur_width(edge(3).T.copy())[0] == pytest.approx(wanted, rel=1e-3)
    assert blur_width(np.pad(edge(3), ((0, 0), (40, 61)), mode="edge"))[0] == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize("sigma", [4.0, 6.0, 8.0])
def test_noise_hardly_matters(sigma: float) -> None:
    noisy = edge(sigma, 128) + np.random.default_rng(0).normal(0, 0.01, (128, 128)).astype(np.float32)
    assert blur_width(noisy)[0] == pytest.approx(sigma, rel=0.2)


def test_more_blur_is_always_seen() -> None:
    grey = draw(bars(1), 1).astype(np.float32)
    found = [blur_width(ndimage.gaussian_filter(grey, sigma))[0] for sigma in (0.5, 2, 3, 4, 6, 8)]
    assert found == sorted(found)


def test_flat_pictures_have_no_edges() -> None:
    assert blur_width(np.ones((40, 40), np.float32))[0] >= MAX_BLUR


def test_smooth_picture_keeps_its_place() -> None:
    image = np.zeros((60, 60), np.float32)
    image[30, 30] = 1
    smooth = blur_width(image)[1]
    assert np.unravel_index(smooth.argmax(), smooth.shape) == (25, 25)  # 5 px less on every side


@pytest.mark.parametrize(
    ("values", "dtype", "scale"),
    [
        (3, np.uint8, 255),
        (3, np.uint16, 255),
        (900, np.uint16, 1023),
        (4095, np.uint16, 4095),
        (4096, np.uint16, 16383),
        (60_000, np.uint16, 65535),
        (0.5, np.float32, 1),
        (200, np.float32, 255),
        (1e6, np.float32, 1e6),
        (1, np.bool_, 1),
    ],
)
def test_full_scale(values: float, dtype: type, scale: float) -> None:
    assert full_scale(np.full((2, 2), values, dtype=dtype)) == scale


def test_facts_do_not_depend_on_depth_or_polarity() -> None:
    grey = draw(bars(1), 1)
    plain, deep, inverted = (image_facts(page) for page in (grey, grey.astype(np.uint16) * 257, 255 - grey))
    for name in ("contrast", "blur_px", "foreground_share"):
        assert deep[name] == pytest.approx(plain[name], rel=1e-3)
        assert inverted[name] == pytest.approx(plain[name], rel=1e-3)
    assert (plain["polarity"], inverted["polarity"]) == ("dark-on-light", "light-on-dark")


def test_foreground_share_of_known_bars() -> None:
    area = sum((max(p[::2]) - min(p[::2])) * (max(p[1::2]) - min(p[1::2])) for p in bars(1))
    assert image_facts(draw(bars(1), 1))["foreground_share"] == pytest.approx(
        area / 96**2, rel=0.5
    )  # their soft rims count


def test_colour_spread_by_hand() -> None:
    """Two colours lie on a line; red, green and blue in equal parts do not: variances 2/9 ⋅ (1, 1, 1), cov −1/9."""
    two = np.zeros((30, 30, 3), np.uint8)
    two[:15] = (200, 40, 90)
    assert colour_spread(two) == pytest.approx(0, abs=1e-3)
    three = np.eye(3, dtype=np.uint8).repeat(300, axis=0).reshape(30, 30, 3) * 255
    assert colour_spread(three) == pytest.approx((1 / 3) ** 0.5, rel=1e-2)
