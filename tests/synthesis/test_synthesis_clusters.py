"""Clusters laid from singles: hand-computed transmittance, exact truth, one case a cluster, splits kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chromseg.annotations import Dataset, DatasetCard, chromosome_map, crossing_clusters, crossing_map, find_clusters
from chromseg.errors import DataError
from chromseg.synthesis import DrawnPicture, lay_cluster, lay_clusters, single_drawing, write_pictures
from chromseg.synthesis.clusters import AS_REAL, CROWDED, Manner, compose, turned


def rod(height: int, width: int, grey: int, ground: int = 255):
    """A flat rod on plain ground with a margin of 3, and its mask."""
    picture = np.full((height + 6, width + 6), ground, dtype=np.uint8)
    picture[3:-3, 3:-3] = grey
    return picture, picture != ground


def drawing(height: int, width: int, grey: int, polarity="dark-on-light", ground: int = 255):
    return single_drawing(*rod(height, width, grey, ground), polarity)


@pytest.fixture
def singles(tmp_path: Path) -> Dataset:
    """Three cases, each of its own grey, so that a cluster tells where it came from; case c is of one single."""
    card = DatasetCard("rods", "g-band", "dark-on-light", "drawn", "CC0", "none", "test", "0")
    pictures = []
    for case, split, grey, count in (("a", "train", 100, 3), ("b", "test", 180, 2), ("c", "val", 50, 1)):
        for number in range(count):
            image, mask = rod(50 + 4 * number, 12, grey)
            pictures.append(DrawnPicture(f"{case}{number}", case, split, image, mask[None]))
    return write_pictures(tmp_path / "rods", card, pictures)


def test_transmittance_multiplies_by_hand():
    one, other = drawing(20, 6, 128), drawing(6, 20, 64).moved(7, -7)
    image, masks = compose([one.moved(10, 10), other.moved(10, 10)], "dark-on-light", 48)
    only_one, only_other, both = masks[0] & ~masks[1], masks[1] & ~masks[0], masks[0] & masks[1]
    assert both.sum() == 36
    assert set(image[only_one]) == {128}
    assert set(image[only_other]) == {64}
    assert set(image[both]) == {32}  # 255 × 128/255 × 64/255 = 32.1
    assert set(image[~masks.any(axis=0)]) == {255}


def test_light_adds_by_hand():
    one, other = (drawing(20, 6, grey, "light-on-dark", ground=10) for grey in (70, 100))
    image, masks = compose([one, other], "light-on-dark", 30)
    assert set(image[masks.all(axis=0)]) == {60 + 90}  # each without its ground
    assert set(image[~masks.any(axis=0)]) == {0}


def test_a_dark_ground_counts_as_clear_glass():
    single = drawing(20, 6, 100, ground=200)
    assert np.allclose(single.absorbance[single.mask], np.log(2))
    assert (single.absorbance[~single.mask] == 0).all()


@pytest.mark.parametrize("heading", [0.0, 0.7, np.pi / 2, 3.0])
def test_turning_keeps_area_and_grey_and_points_where_asked(heading):
    single = drawing(40, 8, 100)
    result = turned(np.random.default_rng(0), single, heading)
    assert result.mask.sum() == pytest.approx(single.mask.sum(), rel=0.04)
    assert ((result.absorbance > 0) == result.mask).all()
    assert result.absorbance.max() == pytest.approx(np.log(2.55))
    rows, cols = np.argwhere(result.mask).T - np.argwhere(result.mask).mean(axis=0)[:, None]
    along, across = rows * np.cos(heading) + cols * np.sin(heading), cols * np.cos(heading) - rows * np.sin(heading)
    assert along.std() > 4 * across.std()


def test_a_laid_cluster_is_one_crossing_cluster_in_the_middle_of_its_square():
    for seed in range(6):
        rods = [drawing(50, 12, 100), drawing(60, 12, 120), drawing(40, 12, 90)]
        image, masks = lay_cluster(np.random.default_rng(seed), rods, "dark-on-light", size=160)
        assert image.shape == (160, 160)
        assert len(find_clusters(masks)) == 1
        assert len(crossing_clusters(masks)) == 1
        rows, cols = np.nonzero(chromosome_map(masks))
        assert abs(rows.min() + rows.max() - 159) <= 1
        assert abs(cols.min() + cols.max() - 159) <= 1
        assert ((image < 255) == chromosome_map(masks)).all()
        crossing = crossing_map(masks)
        assert image[crossing].max() < image[chromosome_map(masks) & ~crossing].mean()


def test_as_real_lays_no_three_over_one_another_and_crowded_does():
    rods = [drawing(50 + 4 * number, 12, 100) for number in range(5)]

    def masks_of(manner: Manner, seed: int):
        many = Manner({5: 1.0}, manner.crossing, manner.most_hidden, manner.deepest)
        return lay_cluster(np.random.default_rng(seed), rods, "dark-on-light", manner=many, size=240)[1]

    for seed in range(3):
        masks = masks_of(AS_REAL, seed)
        depth = masks.sum(axis=0)
        assert len(masks) == 5
        assert depth.max() == 2
        assert all((depth[mask] > 1).mean() <= 0.45 for mask in masks)
    assert max(masks_of(CROWDED, seed).sum(axis=0).max() for seed in range(3)) > 2


def test_a_manner_by_hand():
    masks = np.zeros((3, 1, 8), dtype=bool)
    masks[0, 0, :4], masks[1, 0, 3:7], masks[2, 0, 6:] = True, True, True  # the second shares 2 of its 4 pixels
    assert Manner({3: 1.0}, 1.0, most_hidden=0.5, deepest=2).allows(masks)
    assert not Manner({3: 1.0}, 1.0, most_hidden=0.4, deepest=2).allows(masks)
    masks[2, 0, 3] = True
    assert not Manner({3: 1.0}, 1.0, most_hidden=1.0, deepest=2).allows(masks)


def test_a_cluster_is_of_one_case_and_keeps_its_split(singles):
    clusters = lay_clusters(singles, 8, seed=1, size=200)
    assert [cluster.case_id for cluster in clusters] == ["a", "b"] * 4  # case c has no second single
    assert {(cluster.case_id, cluster.split) for cluster in clusters} == {("a", "train"), ("b", "test")}
    for cluster in clusters:
        alone = chromosome_map(cluster.masks) & ~crossing_map(cluster.masks)
        assert np.median(cluster.image[alone]) == {"a": 100, "b": 180}[cluster.case_id]


def test_same_seed_same_clusters_however_many(singles):
    few, many = lay_clusters(singles, 2, seed=5, size=200), lay_clusters(singles, 4, seed=5, size=200)
    assert all((one.image == other.image).all() for one, other in zip(few, many[:2], strict=True))
    assert (lay_clusters(singles, 1, seed=6, size=200)[0].image != few[0].image).any()


def test_a_set_without_two_singles_of_a_case_is_refused(tmp_path, singles):
    card = singles.card
    image, mask = rod(50, 12, 100)
    alone = write_pictures(tmp_path / "alone", card, [DrawnPicture("x", "x", "train", image, mask[None])])
    with pytest.raises(DataError, match="no case with two single chromosomes"):
        lay_clusters(alone, 1, seed=0)


def test_singles_longer_than_the_square_are_refused(singles):
    with pytest.raises(DataError, match="cross within 40×40 pixels"):
        lay_clusters(singles, 1, seed=0, size=40)
