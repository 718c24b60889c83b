"""Whole sets on disk: what `data synthesize` writes."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.annotations import DatasetCard, assign_splits, load_masks, read_dataset
from chromseg.errors import DataError
from chromseg.images.pictures import read_grey
from chromseg.synthesis import DrawnPicture, synthesize_dataset, write_pictures

SMALL = {"size": (128, 160), "chromosomes": 5, "crossings": 1.0, "touching": 0.5}


def test_a_set_reads_back_as_it_was_returned(tmp_path):
    written = synthesize_dataset(tmp_path, "tiny", count=5, seed=1, **SMALL)
    read = read_dataset(tmp_path / "tiny")
    assert read.images == written.images
    assert read.instances == written.instances
    assert read.card == written.card
    assert (read.card.stain, read.card.polarity) == ("synthetic", "dark-on-light")
    assert [image.case_id for image in read.images] == ["case001", "case001", "case002", "case002", "case003"]
    assert len(read.instances) == 5 * 5


def test_areas_and_boxes_are_those_of_the_masks(tmp_path):
    dataset = synthesize_dataset(tmp_path, "tiny", count=1, seed=2, **SMALL)
    for instance, mask in zip(dataset.instances, load_masks(dataset, dataset.images[0]), strict=True):
        assert instance.area == mask.sum()
        x, y, width, height = (int(value) for value in instance.bbox)
        assert mask[y : y + height, x : x + width].sum() == mask.sum()
        assert mask[y].any() and mask[y + height - 1].any()
        assert mask[:, x].any() and mask[:, x + width - 1].any()


def test_same_seed_same_files_and_more_images_leave_the_first_as_they_are(tmp_path):
    for name, count in (("one", 2), ("two", 4)):
        synthesize_dataset(tmp_path, name, count=count, seed=7, polarity="light-on-dark", **SMALL)
    for picture in sorted((tmp_path / "one/images").iterdir()):
        assert (read_grey(picture) == read_grey(tmp_path / "two/images" / picture.name)).all()


def test_cases_fall_into_splits_as_wholes(tmp_path):
    told = []
    dataset = synthesize_dataset(tmp_path, "drawn", count=10, seed=0, tell=told.append, **SMALL)
    splits = {}
    for image in dataset.images:
        assert splits.setdefault(image.case_id, image.split) == image.split
    assert splits == assign_splits("drawn", splits)
    assert set(splits.values()) == {"train", "test"} and any("none fell in val" in message for message in told)


def test_singles_give_laid_clusters_with_their_card_cases_and_splits(tmp_path):
    card = DatasetCard("rods", "r-band", "dark-on-light", "a lab", "CC0", "someone", "test", "0")
    image = np.full((60, 20), 255, dtype=np.uint8)
    image[5:-5, 4:-4] = 90
    rods = [DrawnPicture(f"p{n}", "case9", "val", image, (image < 255)[None]) for n in range(3)]
    write_pictures(tmp_path / "rods", card, rods)
    dataset = synthesize_dataset(tmp_path, "laid", count=3, seed=0, singles=tmp_path / "rods")
    assert {(i.case_id, i.split, i.width, i.height) for i in dataset.images} == {("case9", "val", 256, 256)}
    assert (dataset.card.stain, dataset.card.licence) == ("r-band", "CC0")
    assert dataset.card.source.startswith("a lab")
    assert (dataset.card.cases_of, card.cases_of) == ("rods", "rods"), "its cases are those of its source"
    assert all(len(dataset.instances_of[image.id]) >= 2 for image in dataset.images)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 0}, "0 images; expected at least 1"),
        ({"seed": -1}, "seed -1"),
        ({"polarity": "blue"}, "polarity 'blue'; expected one of dark-on-light"),
        ({"images_per_case": 0}, "0 images a case"),
        ({"name": "../x"}, "dataset name '../x'"),
        ({"chromosomes": 50}, "expected 1 to 46"),
        ({"size": (20, 20)}, "no room"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(tmp_path, wrong, message):
    with pytest.raises(DataError, match=message):
        synthesize_dataset(tmp_path, **{"name": "x", "count": 1, "seed": 0, **SMALL, **wrong})
    assert not list(tmp_path.iterdir())


def test_a_taken_name_is_refused_before_any_work(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(DataError, match="exists already"):
        synthesize_dataset(tmp_path, "x", count=1, seed=0)


def test_progress_is_told(tmp_path):
    told: list[str] = []
    synthesize_dataset(tmp_path, "x", count=2, seed=0, tell=told.append, **SMALL)
    assert told[-2:] == ["metaphase 1 of 2", "metaphase 2 of 2"]
