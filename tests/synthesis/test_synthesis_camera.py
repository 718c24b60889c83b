"""The camera: transmittance multiplies, light adds, ground is ground, either polarity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chromseg.synthesis.camera import Camera, draw_camera, photograph

PERFECT = Camera("dark-on-light", density=np.log(2), ground=0.8, unevenness=0, haze=0, blur=0, noise=0, shot=0)


def stripes(*absorbances: float) -> np.ndarray:
    return np.repeat(np.array([absorbances], dtype=float), 8, axis=0)


def shot(absorbance, camera, seed=0):
    return photograph(np.random.default_rng(seed), absorbance, camera)


def test_bright_field_multiplies_transmittance():
    image = shot(stripes(0, 1, 2), PERFECT)
    assert image[0].tolist() == [204, 102, 51]  # 0.8 × 255, its half, its quarter
    assert image.dtype == np.uint8


def test_fluorescence_adds_light():
    camera = replace(PERFECT, polarity="light-on-dark", density=0.2, ground=0.0)
    assert shot(stripes(0, 1, 2), camera)[0].tolist() == [0, 51, 102]


def test_noise_blur_and_shading_change_the_picture_and_come_from_the_seed():
    absorbance = np.zeros((32, 32))
    absorbance[8:24, 12:20] = 1
    plain = shot(absorbance, PERFECT)
    for change in ({"noise": 2.0}, {"blur": 1.5}, {"unevenness": 0.2}, {"haze": 0.2, "blur": 0.5}, {"shot": 4.0}):
        assert (shot(absorbance, replace(PERFECT, **change)) != plain).any(), change
    camera = replace(PERFECT, noise=2.0, unevenness=0.1)
    assert (shot(absorbance, camera, 1) == shot(absorbance, camera, 1)).all()
    assert (shot(absorbance, camera, 1) != shot(absorbance, camera, 2)).any()


@pytest.mark.parametrize("polarity", ["dark-on-light", "light-on-dark"])
def test_set_ups_show_chromosomes_on_the_right_side_of_the_ground(polarity):
    absorbance = np.zeros((40, 40))
    absorbance[10:30, 10:30] = 0.8
    for seed in range(20):
        rng = np.random.default_rng(seed)
        image = photograph(rng, absorbance, draw_camera(rng, polarity)).astype(int)
        difference = image[15:25, 15:25].mean() - image[:5].mean()
        assert difference < -30 if polarity == "dark-on-light" else difference > 30
