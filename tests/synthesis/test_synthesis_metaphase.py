"""Whole metaphases: same seed, same pixels; exact truth; the number of clusters asked for; refusals."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from chromseg.annotations import chromosome_map, crossing_clusters, crossing_map, find_clusters
from chromseg.errors import DataError
from chromseg.images.absorbance import to_absorbance
from chromseg.synthesis import synthesize_metaphase
from chromseg.synthesis.chromosome import draw_preparation
from chromseg.synthesis.karyotype import draw_karyotype
from chromseg.synthesis.scene import draw_scene

SMALL = {"size": (160, 200), "chromosomes": 8, "crossings": 1.5, "touching": 1.0}


def metaphase(seed: int, **options):
    return synthesize_metaphase(np.random.default_rng([seed, 0]), **{**SMALL, **options})


def small_scene(seed: int, crossings: float = 1.5, touching: float = 1.0, shadowing: float = 0.0):
    rng = np.random.default_rng(seed)
    cell, preparation = draw_karyotype(rng, 8), draw_preparation(rng, "dark-on-light").fitted((160, 200), 8)
    preparation = replace(preparation, shadowing=shadowing)
    return draw_scene(rng, cell, preparation, (160, 200), crossings=crossings, touching=touching)


@pytest.mark.parametrize("polarity", ["dark-on-light", "light-on-dark"])
def test_same_seed_same_pixels(polarity):
    one, two = metaphase(3, polarity=polarity), metaphase(3, polarity=polarity)
    assert (one[0] == two[0]).all()
    assert (one[1] == two[1]).all()
    assert (metaphase(4, polarity=polarity)[0] != one[0]).any()


def test_pixels_do_not_depend_on_the_machine():
    """If drawing changes on purpose, renew this hash and the built-in sample with it (docs/data.md)."""
    image, masks = metaphase(0)
    assert hashlib.sha256(image.tobytes() + np.packbits(masks).tobytes()).hexdigest()[:16] == "b0e08831a2cef963"


def test_a_mask_for_each_chromosome_none_empty():
    image, masks = metaphase(1)
    assert image.shape == (160, 200)
    assert image.dtype == np.uint8
    assert masks.shape == (8, 160, 200)
    assert masks.any(axis=(1, 2)).all()


def test_truth_is_exact_every_pixel_of_a_chromosome_absorbs_and_crossings_absorb_twice():
    scene = small_scene(5, crossings=6)
    chromosome, crossing = chromosome_map(scene.masks), crossing_map(scene.masks)
    assert crossing.sum() >= 40
    assert (scene.absorbance[chromosome] > 0).all()
    assert scene.absorbance[crossing].mean() > 1.5 * scene.absorbance[chromosome & ~crossing].mean()


def test_shadowing_dims_what_lies_below_and_leaves_a_chromosome_alone_as_it_is():
    plain, shadowed = (small_scene(5, crossings=6, shadowing=amount) for amount in (0.0, 0.7))
    crossing, chromosome = crossing_map(plain.masks), chromosome_map(plain.masks)
    alone = chromosome & ~crossing & (plain.absorbance > 0.3)  # and not on a smudge
    assert (plain.masks == shadowed.masks).all()
    assert np.median(shadowed.absorbance[alone] / plain.absorbance[alone]) == pytest.approx(1, abs=0.01)
    assert (shadowed.absorbance[crossing] < plain.absorbance[crossing]).all()


def test_the_picture_shows_what_the_truth_says():
    for polarity in ("dark-on-light", "light-on-dark"):
        image, masks = metaphase(2, polarity=polarity)
        absorbance, chromosome = to_absorbance(image, polarity), chromosome_map(masks)
        assert absorbance[chromosome].mean() > 4 * np.median(absorbance[~chromosome]) + 0.2


def test_without_crossings_and_touching_every_chromosome_lies_alone():
    clusters = find_clusters(metaphase(6, crossings=0, touching=0)[1])
    assert [len(cluster.indices) for cluster in clusters] == [1] * 8


def test_as_many_clusters_as_asked_for_on_average():
    crossing, touching = [], []
    for seed in range(12):
        masks = small_scene(seed, crossings=1.0, touching=0.5).masks
        crossing.append(len(crossing_clusters(masks)))
        touching.append(sum(len(c.indices) > 1 and not c.has_crossing for c in find_clusters(masks)))
    assert 0.5 <= np.mean(crossing) <= 1.6
    assert 0.1 <= np.mean(touching) <= 1.0


def test_all_46_have_realistic_areas():
    _, masks = synthesize_metaphase(np.random.default_rng(0), polarity="light-on-dark")
    assert masks.shape == (46, 576, 768)
    areas = np.sort(masks.sum(axis=(1, 2)))
    assert 3 < areas[-3:].mean() / areas[:3].mean() < 9  # chromosomes 1 against 21, 22 and Y: about 5


def test_an_image_too_small_for_its_chromosomes_is_refused():
    with pytest.raises(DataError, match=r"no room .* 64×64 .* larger images or fewer chromosomes"):
        metaphase(0, size=(64, 64), chromosomes=46)


@pytest.mark.parametrize("wrong", [{"crossings": -1}, {"touching": -0.5}])
def test_a_negative_mean_is_refused(wrong):
    with pytest.raises(DataError, match="0 or more"):
        metaphase(0, **wrong)
