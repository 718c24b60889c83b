"""Pixels of which nothing is known: where they come from, and how they reach samples."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from chromseg.annotations import Sample, encode_rle, load_ignored, load_masks, read_dataset, read_samples, write_samples
from chromseg.annotations.hashing import md5_of_test
from chromseg.annotations.preparation import samples_of_image
from chromseg.errors import DataError


def bar(row, col, height=10, width=30):
    mask = np.zeros((64, 64), dtype=bool)
    mask[row : row + height, col : col + width] = True
    return mask


@pytest.fixture
def edited(make_dataset, tmp_path):
    """edited(change): a set of one picture with two bars whose annotations.json went through `change`."""

    def make(change=lambda content: None, name="cells"):
        make_dataset(tmp_path / name, [[bar(5, 5), bar(40, 20)]])
        path = tmp_path / name / "annotations.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        dataset = read_dataset(tmp_path / name)
        return dataset, dataset.images[0]

    return make


def test_where_all_is_known_nothing_is_ignored_and_nothing_is_written(edited):
    dataset, image = edited()
    assert load_ignored(dataset, image) is None
    text = (dataset.root / "annotations.json").read_text()
    assert not any(word in text for word in ("ignore", "quality", "cut_by")), "older sets keep their bytes"
    assert '"iscrowd": 0' in text


def test_an_image_says_what_is_to_be_ignored(edited):
    def change(content):
        content["images"][0]["ignore"] = encode_rle(bar(50, 0, 5, 5))

    dataset, image = edited(change)
    np.testing.assert_array_equal(load_ignored(dataset, image), bar(50, 0, 5, 5))
    assert len(load_masks(dataset, image)) == 2


def test_crowds_and_boxes_are_ignored_where_the_image_says_nothing(edited):
    def crowd(content):
        content["annotations"][0]["iscrowd"] = 1

    def boxed(content):
        content["annotations"][1] |= {"quality": "box", "segmentation": [], "bbox": [30.0, 50.0, 40.0, 10.0]}

    dataset, image = edited(lambda content: (crowd(content), boxed(content)))
    np.testing.assert_array_equal(load_ignored(dataset, image), bar(5, 5) | bar(50, 30, 10, 34))
    assert len(load_masks(dataset, image)) == 0


def test_of_a_set_of_boxes_alone_nothing_is_ignored(edited):
    def change(content):
        for one in content["annotations"]:
            one |= {"quality": "box", "segmentation": []}

    dataset, image = edited(change)
    assert load_ignored(dataset, image) is None
    (sample,) = samples_of_image(dataset, image, 32)
    assert sample.boxes is not None and len(sample.boxes) == 2 and sample.ignored is None


def test_an_unknown_quality_is_refused(edited):
    with pytest.raises(DataError, match=r"quality 'guessed' in annotation 1; expected one of traced, derived, box"):
        edited(lambda content: content["annotations"][0].update(quality="guessed"))


def test_what_is_ignored_belongs_to_the_test(edited):
    before, _ = edited()
    after, _ = edited(lambda content: content["images"][0].update(ignore=encode_rle(bar(50, 0))), "other")
    assert md5_of_test([before.root]) != md5_of_test([after.root])


def test_a_sample_carries_it_to_the_disk_and_back(tmp_path):
    plain = Sample.from_masks("a", "cells/1", "train", "cutout", np.zeros((64, 64), np.float32), bar(5, 5)[None])
    write_samples(tmp_path / "set", [plain, replace(plain, name="b", ignored=bar(50, 0), derived=True)])
    first, second = read_samples(tmp_path / "set")
    assert first.ignored is None and not first.derived
    np.testing.assert_array_equal(second.ignored, bar(50, 0))
    assert second.derived
    with np.load(tmp_path / "set/a.npz") as arrays:
        assert set(arrays) == {"image", "maps", "masks"}, "sets of which all is known stay as they were"


def test_a_cluster_beside_ignored_pixels_gives_no_cut_out(make_dataset, tmp_path):
    """It may go on there. The picture is larger than its cut-outs of 32 px."""
    crosses = [bar(2, 2, 8, 20), bar(0, 8, 20, 8), bar(40, 40, 8, 20), bar(36, 44, 20, 8)]
    dataset = make_dataset(tmp_path / "cells", [crosses])
    image = dataset.images[0]
    whole, *cutouts = samples_of_image(dataset, image, 32)
    assert [one.kind for one in cutouts] == ["cutout", "cutout"] and whole.ignored is None
    beside = replace(image, ignore=encode_rle(bar(20, 8, 5, 5)))
    whole, *cutouts = samples_of_image(dataset, beside, 32)
    np.testing.assert_array_equal(whole.ignored, bar(20, 8, 5, 5))
    assert len(cutouts) == 1 and cutouts[0].ignored is None
    assert not any(one.derived for one in (whole, *cutouts))
