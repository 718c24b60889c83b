"""Pictures of one metaphase are known again, also moved, cropped by the move, lit otherwise; others are not."""

import numpy as np
import pytest
from scipy import ndimage

from chromseg.annotations import scenes
from chromseg.annotations.scenes import same_scenes

SIDE = 300


def slide(seed):
    """float (600, 600): rods strewn at random on a dark ground."""
    rng = np.random.default_rng(seed)
    grey = np.zeros((600, 600))
    for row, col in rng.integers(20, 560, (150, 2)):
        height, width = (40, 10) if rng.random() < 0.5 else (10, 40)
        grey[row : row + height, col : col + width] = rng.uniform(0.5, 1)
    return ndimage.gaussian_filter(grey, 2)


def field(seed, row=150, col=150, *, size=SIDE, light=0.0, noise=1):
    """uint8 (size, size): the part of a slide that begins there, noisy, perhaps brighter on one side."""
    cut = slide(seed)[row : row + size, col : col + size]
    grey = 40 + 150 * cut + light * np.linspace(0, 60, size)
    return np.clip(grey + np.random.default_rng(noise).normal(0, 3, cut.shape), 0, 255).astype(np.uint8)


def test_moved_fields_of_one_slide_show_one_scene():
    moved = [field(1), field(2), field(1, 195, 90, noise=2), field(3), field(2, 150, 70, noise=3)]
    assert same_scenes(moved) == [0, 1, 0, 3, 1]


def test_a_field_that_joins_two_others_joins_all():
    assert same_scenes([field(1, 0, 0), field(1, 0, 220), field(1, 0, 110)]) == [0, 0, 0]
    assert same_scenes([field(1, 0, 0), field(1, 0, 220)]) == [0, 1]


def test_uneven_light_makes_no_metaphase_the_same_and_hides_none():
    assert same_scenes([field(seed, light=2) for seed in range(4)]) == [0, 1, 2, 3]
    assert same_scenes([field(1), field(1, 170, 150, light=1.5, noise=2)]) == [0, 0]


def test_pictures_saved_at_half_the_size_are_known_again():
    whole = field(1, size=400)
    assert same_scenes([field(2), whole, ndimage.zoom(whole, 0.5, order=1)]) == [0, 1, 1]


def test_cut_outs_are_not_moved_over_one_another():
    """A single in the middle and one at the side: singles all look alike once they are laid over one another."""
    cut = [np.full((96, 96), 20, np.uint8) for _ in range(2)]
    cut[0][20:80, 40:50] = cut[1][20:80, 60:70] = 200
    assert same_scenes(cut) == [0, 1]


def test_blank_pictures_are_like_none_and_too_many_are_not_moved(monkeypatch):
    blank = np.full((SIDE, SIDE), 7, np.uint8)
    assert same_scenes([blank, blank]) == [0, 1]
    monkeypatch.setattr(scenes, "_MOST", 1)
    assert same_scenes([field(1), field(1, 195, 90)]) == [0, 1]
    assert same_scenes([field(1), field(1, noise=2)]) == [0, 0]


def test_the_correlation_is_that_of_the_parts_that_overlap():
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(80, 80)).astype(np.float32)
    first, second = whole[:64, :64], whole[10:74, 4:68]
    assert scenes.correlation_where_overlapping(first, second) == pytest.approx(1, abs=1e-3)
    noisy = second + rng.normal(size=second.shape).astype(np.float32)
    expected = np.corrcoef(first[10:, 4:].ravel(), noisy[:54, :60].ravel())[0, 1]
    assert scenes.correlation_where_overlapping(first, noisy) == pytest.approx(expected, abs=1e-3)
