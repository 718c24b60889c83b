from dataclasses import replace

import numpy as np
import pytest

from chromseg.annotations import Sample, read_samples, write_samples
from chromseg.errors import DataError


def sample(name, masks, split="train", kind="cutout"):
    image = np.linspace(0, 1, 64 * 61, dtype=np.float32).reshape(64, 61)
    return Sample.from_masks(name, "case1", split, kind, image, masks[:, :, :61])


def test_samples_survive_the_disk(tmp_path, crossing_bars):
    written = sample("a", crossing_bars)
    assert write_samples(tmp_path / "set", [written]) == 1
    (read,) = read_samples(tmp_path / "set")
    assert (read.name, read.case_id, read.split, read.kind) == ("a", "case1", "train", "cutout")
    np.testing.assert_allclose(read.image, written.image, atol=1e-3)
    for field in ("masks", "crossing", "chromosome"):
        np.testing.assert_array_equal(getattr(read, field), getattr(written, field))
    assert read.image.dtype == np.float32 and read.masks.dtype == bool


def test_maps_are_derived_from_masks(crossing_bars):
    made = sample("a", crossing_bars)
    assert made.crossing.sum() == 64 and made.chromosome.sum() == crossing_bars.any(axis=0)[:, :61].sum()


def test_order_split_and_kind(tmp_path, crossing_bars):
    samples = [
        sample("b", crossing_bars),
        sample("a", crossing_bars, "val"),
        sample("c", crossing_bars, "val", "metaphase"),
    ]
    write_samples(tmp_path / "set", samples)
    assert [one.name for one in read_samples(tmp_path / "set")] == ["b", "a", "c"]
    assert [one.name for one in read_samples(tmp_path / "set", splits=("val",))] == ["a", "c"]
    assert [one.name for one in read_samples(tmp_path / "set", splits=("val",), kinds=("cutout",))] == ["a"]


def test_a_set_of_maps_has_no_masks(tmp_path, crossing_bars):
    maps = Sample("m", "c", "test", "cutout", np.zeros((64, 64), np.float32), None, *crossing_bars)
    write_samples(tmp_path / "set", [maps])
    (read,) = read_samples(tmp_path / "set")
    assert read.masks is None
    np.testing.assert_array_equal(read.crossing, crossing_bars[0])


def test_a_set_of_boxes_has_blank_maps_and_keeps_its_classes(tmp_path):
    boxes, labels = np.array([[1, 2, 30, 40.5]], dtype=np.float32), np.array([7])
    write_samples(
        tmp_path / "set", [Sample.from_boxes("b", "c", "test", np.zeros((64, 61), np.float32), boxes, labels)]
    )
    (read,) = read_samples(tmp_path / "set")
    assert read.masks is None and not read.chromosome.any() and read.kind == "metaphase"
    np.testing.assert_array_equal(read.boxes, boxes)
    np.testing.assert_array_equal(read.labels, labels)
    assert read.boxes.dtype == np.float32 and read.labels.dtype == np.int64


def test_a_set_of_masks_keeps_its_classes_where_there_are_several(tmp_path, crossing_bars):
    named = replace(sample("a", crossing_bars, kind="metaphase"), labels=np.array([3, 24]))
    write_samples(tmp_path / "set", [named, sample("b", crossing_bars)])
    read, plain = read_samples(tmp_path / "set")
    assert read.labels.tolist() == [3, 24] and read.boxes is None
    assert plain.labels is None


def test_an_older_set_is_replaced(tmp_path, crossing_bars):
    write_samples(tmp_path / "set", [sample("old", crossing_bars)])
    write_samples(tmp_path / "set", [sample("new", crossing_bars)])
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["index.json", "new.npz"]


def test_a_failure_keeps_the_older_set(tmp_path, crossing_bars):
    write_samples(tmp_path / "set", [sample("old", crossing_bars)])

    def breaks():
        yield sample("new", crossing_bars)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_samples(tmp_path / "set", breaks())
    assert [one.name for one in read_samples(tmp_path / "set")] == ["old"]


def test_no_set_is_an_error_that_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match="dvc repro prepare"):
        list(read_samples(tmp_path / "none"))
