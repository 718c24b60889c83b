import numpy as np
import pytest

from chromseg.images.absorbance import to_absorbance


def cell(ground, full, dtype=np.uint8):
    image = np.full((64, 64), ground, dtype=dtype)
    image[20:30, 10:50] = full
    image[40:44, 10:50] = (ground + full) // 2
    return image


def test_both_polarities_become_the_same():
    dark = to_absorbance(cell(200, 40), "dark-on-light")
    light = to_absorbance(cell(55, 215), "light-on-dark")
    np.testing.assert_allclose(dark, light, atol=0.02)
    assert dark.dtype == np.float32
    assert dark[25, 25] == pytest.approx(1) and dark[0, 0] == 0 and dark[42, 25] == pytest.approx(0.5, abs=0.02)


def test_depth_does_not_matter():
    eight = to_absorbance(cell(200, 40), "dark-on-light")
    sixteen = to_absorbance(cell(200 * 257, 40 * 257, np.uint16), "dark-on-light")
    np.testing.assert_allclose(eight, sixteen, atol=0.02)


def test_a_hot_pixel_does_not_move_the_scale():
    image = cell(200, 60)
    hot = image.copy()
    hot[5, 5] = 0
    np.testing.assert_allclose(
        to_absorbance(hot, "dark-on-light")[10:], to_absorbance(image, "dark-on-light")[10:], atol=0.02
    )


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_grey_level_is_all_ground(level):
    for polarity in ("dark-on-light", "light-on-dark"):
        assert not to_absorbance(np.full((16, 16), level, np.uint8), polarity).any()


def test_a_chromosome_that_fills_a_tight_cut_out_is_not_the_ground():
    image = np.full((20, 20), 60, np.uint8)
    image[0], image[-1], image[:, 0], image[:, -1] = 240, 240, 240, 240
    absorbance = to_absorbance(image, "dark-on-light")
    assert absorbance[10, 10] == 1 and absorbance[0, 0] == 0


def test_values_stay_between_nought_and_one():
    noisy = np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8)
    for polarity in ("dark-on-light", "light-on-dark"):
        absorbance = to_absorbance(noisy, polarity)
        assert absorbance.min() >= 0 and absorbance.max() <= 1
