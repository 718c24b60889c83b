"""The real pictures that are published: their notice stays with them, and their truth and splits hold."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from clone import ROOT, Clone
from PIL import Image

from chromseg.annotations import SPLITS, Dataset, crossing_clusters, load_masks, read_dataset
from chromseg.annotations.splits import split_of
from chromseg.errors import DataError
from pipelines.mfish_sample import CHOSEN, NOTICE, make

GRANT = "to use, copy, modify, and distribute these images and their documentation for any purpose"


@pytest.fixture
def published(clone: Clone) -> Dataset:
    """As DVC brings it."""
    clone.dvc("pull", "data.dvc")
    return read_dataset(clone.folder / "data/mfish-sample")


def test_its_notice_stays_with_it(published: Dataset) -> None:
    notice = (published.root / NOTICE).read_text()
    assert "Copyright (c) 2000 Advanced Digital Imaging Research" in notice and GRANT in notice
    assert NOTICE in published.card.licence
    terms = notice.split("-----")[0].split("\n\n")
    assert len(terms) >= 4 and all(each.strip() in (ROOT / "LICENSE").read_text() for each in terms)


def test_its_outlines_are_those_of_the_chosen_pictures_and_overlap(published: Dataset) -> None:
    assert {image.file_name for image in published.images} == {f"dapi/{name}D.tif" for name in CHOSEN}
    assert (published.card.stain, published.card.polarity) == ("dapi", "light-on-dark")
    crossings = defaultdict(int)
    for image in published.images:
        masks = load_masks(published, image)
        assert 40 <= len(masks) <= 46, image.file_name
        crossings[image.split] += len(crossing_clusters(masks))
    assert crossings["train"] >= 15 and crossings["val"] >= 5 and crossings["test"] >= 2, crossings


def test_no_case_is_in_two_splits_and_each_is_where_the_whole_set_has_it(published: Dataset) -> None:
    splits = defaultdict(set)
    for image in published.images:
        splits[image.case_id].add(image.split)
    assert len(splits) >= 6 and set.union(*splits.values()) == set(SPLITS)
    assert splits == {case: {split_of("mfish", case)} for case in splits}


def test_it_is_small(published: Dataset) -> None:
    assert sum(path.stat().st_size for path in published.root.rglob("*") if path.is_file()) < 3e6


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A set with the names of M-FISH: a bar of class 1 and one of class 2 that cross, elsewhere in each picture."""
    for folder in ("dapi", "labels"):
        (tmp_path / "mfish" / folder).mkdir(parents=True)
    for place, name in enumerate((*CHOSEN, "A0101XY")):
        first, second = np.zeros((2, 120, 120), dtype=bool)
        first[20 + 6 * place : 32 + 6 * place, 20:90] = True
        second[10:100, 30 + 5 * place : 40 + 5 * place] = True
        classes = np.where(first & second, 255, first + 2 * second).astype(np.uint8)
        light = np.random.default_rng(place).integers(0, 30, first.shape) + 80 * first + 80 * second
        Image.fromarray(light.astype(np.uint8)).save(tmp_path / f"mfish/dapi/{name}D.tif")
        Image.fromarray(classes).save(tmp_path / f"mfish/labels/{name}K.tif")
    (tmp_path / "mfish" / NOTICE).write_text("the terms")
    return tmp_path / "mfish"


def test_it_is_made_of_the_chosen_alone_with_the_notice_beside_them(source: Path, tmp_path: Path) -> None:
    make(source, tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mfish-sample"]
    made = read_dataset(tmp_path / "data/mfish-sample")
    assert (made.root / NOTICE).read_text() == "the terms"
    assert sorted(image.file_name for image in made.images) == sorted(f"dapi/{name}D.tif" for name in CHOSEN)
    assert all(image.split == split_of("mfish", image.case_id) for image in made.images)
    with pytest.raises(DataError, match=r"mfish-sample exists already"):
        make(source, tmp_path / "data")


@pytest.mark.parametrize("missing", [NOTICE, f"labels/{CHOSEN[0]}K.tif"])
def test_nothing_is_made_without_the_notice_or_a_picture(source: Path, tmp_path: Path, missing: str) -> None:
    (source / missing).unlink()
    with pytest.raises(DataError, match=f"no {missing} in "):
        make(source, tmp_path / "data")
    assert not (tmp_path / "data").exists()
