import numpy as np
import pytest

from chromseg.annotations import label_regions, load_masks
from chromseg.errors import DataError
from chromseg.importers import ImportOptions, import_dataset
from chromseg.importers.singles import object_on_plain_ground


def chromosome(*, dark=True, noise=0, size=(40, 24)):
    """A banded bar on a plain ground: rows 6-34, columns 8-16, with a pale band across."""
    depth = np.zeros(size, dtype=np.int16)
    depth[6:34, 8:16] = 120
    depth[18:21, 8:16] = 6  # paler than the border of a chromosome is drawn
    grey = 250 - depth if dark else 5 + depth
    if noise:
        grey = grey + np.random.default_rng(0).normal(0, noise, size)
    return np.clip(grey, 0, 255).astype(np.uint8)


@pytest.fixture
def source(tmp_path, save):
    """Two cases with a single and a cluster each, laid out as gband_clusters is."""
    for case in (1, 2):
        for kind in ("chromosome", "cluster"):
            save(tmp_path / f"src/case{case}/{kind}/1.TIF", chromosome())
    return tmp_path / "src"


def run(src, tmp_path, **settings):
    return import_dataset("singles", src, "cells", data_root=tmp_path / "data", **settings)


@pytest.mark.parametrize("polarity", ["dark-on-light", "light-on-dark"])
@pytest.mark.parametrize("noise", [0, 2])
def test_the_mask_is_what_stands_out(polarity, noise):
    mask = object_on_plain_ground(chromosome(dark=polarity == "dark-on-light", noise=noise), polarity)
    expected = np.zeros((40, 24), dtype=bool)
    expected[6:34, 8:16] = True
    assert (mask & expected).sum() / (mask | expected).sum() > 0.95  # corners beside the pale band are rounded
    assert label_regions(mask)[1] == 1


def test_a_speck_beside_it_is_left_out():
    grey = chromosome()
    grey[2:4, 20:23] = 130
    assert not object_on_plain_ground(grey, "dark-on-light")[:5].any()


def test_a_bow_keeps_its_inside_open():
    grey = np.full((40, 40), 250, np.uint8)
    grey[5:35, 5:35] = 100
    grey[12:28, 12:28] = 250
    grey[8, 8] = 250  # a pale spot
    mask = object_on_plain_ground(grey, "dark-on-light")
    assert not mask[20, 20] and mask[8, 8]


def test_cases_names_and_clusters(source, tmp_path):
    dataset = run(source, tmp_path)
    assert [image.file_name for image in dataset.images] == [
        "case1/chromosome/1.TIF",
        "case1/cluster/1.TIF",
        "case2/chromosome/1.TIF",
        "case2/cluster/1.TIF",
    ]
    assert [image.case_id for image in dataset.images] == ["case1", "case1", "case2", "case2"]
    assert dataset.categories == {1: "chromosome", 2: "cluster"}
    assert [(i.category_id, i.iscrowd) for i in dataset.instances] == [(1, 0), (2, 1), (1, 0), (2, 1)]
    assert len(load_masks(dataset, dataset.images[0])) == 1
    assert len(load_masks(dataset, dataset.images[1])) == 0
    assert dataset.card.polarity == "dark-on-light" and dataset.card.stain == "g-band"


def test_light_on_dark_is_seen(tmp_path, save):
    for number in range(3):
        save(tmp_path / f"src/{number}.png", chromosome(dark=False))
    dataset = run(tmp_path / "src", tmp_path)
    assert dataset.card.polarity == "light-on-dark" and dataset.instances[0].area > 0.95 * 28 * 8


def test_a_declared_polarity_decides_which_side_is_the_object(tmp_path, save):
    save(tmp_path / "src/1.png", chromosome())
    with pytest.raises(DataError, match=r"1\.png: a picture of nothing"):
        run(tmp_path / "src", tmp_path, options=ImportOptions(polarity="light-on-dark"))


def test_mixed_polarities_are_refused(tmp_path, save):
    for number in range(4):
        save(tmp_path / f"src/{number}.png", chromosome(dark=number % 2 == 0))
    with pytest.raises(DataError, match=r"50% look dark on light.*--polarity"):
        run(tmp_path / "src", tmp_path)


@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_picture_is_named(source, tmp_path, save, level):
    save(source / "case1/chromosome/2.TIF", np.full((20, 20), level, np.uint8))
    with pytest.raises(DataError, match=r"case1/chromosome/2\.TIF: a picture of nothing"):
        run(source, tmp_path)
    assert not (tmp_path / "data").exists()


def test_a_picture_of_one_pixel_is_named(source, tmp_path, save):
    save(source / "case1/chromosome/2.TIF", np.zeros((1, 1), np.uint8))
    with pytest.raises(DataError, match=r"case1/chromosome/2\.TIF: a picture of nothing"):
        run(source, tmp_path)


def test_text_named_as_a_picture_is_named(source, tmp_path):
    (source / "case1/chromosome/2.TIF").write_text("hello")
    with pytest.raises(DataError, match=r"case1/chromosome/2\.TIF cannot be read as an image"):
        run(source, tmp_path)


def test_an_empty_folder(tmp_path):
    (tmp_path / "src").mkdir()
    with pytest.raises(DataError, match="no picture below"):
        run(tmp_path / "src", tmp_path)
