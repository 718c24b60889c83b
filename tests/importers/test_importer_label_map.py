import h5py
import numpy as np
import pytest
from PIL import Image

from chromseg.annotations import load_masks
from chromseg.errors import DataError
from chromseg.images.pictures import read_grey
from chromseg.importers import UnreadableSourceError, import_dataset


@pytest.fixture
def labels(bars):
    """uint8 (60, 80): 1 and 2 the bars, 3 where they cross."""
    return (bars[0] + 2 * bars[1]).astype(np.uint8)


def run(src, tmp_path, **settings):
    return import_dataset("label-map", src, "cells", data_root=tmp_path / "data", **settings)


def problem(src, tmp_path):
    with pytest.raises(DataError) as caught:
        run(src, tmp_path)
    assert not (tmp_path / "data").exists()
    return str(caught.value)


def check(dataset, bars, count):
    assert len(dataset.images) == count
    for image in dataset.images:
        np.testing.assert_array_equal(load_masks(dataset, image), bars)


def h5(path, **arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as archive:
        for name, array in arrays.items():
            archive[name] = array
    return path


@pytest.mark.parametrize(
    "layout", [("images/{}.png", "labels/{}.png"), ("image/{}.png", "masks/{}.png"), ("{}.png", "{}_label.png")]
)
def test_pairs_of_pictures(tmp_path, save, labels, bars, layout):
    for number in (1, 2):
        save(tmp_path / "src" / layout[0].format(number))
        save(tmp_path / "src" / layout[1].format(number), labels)
    dataset = run(tmp_path / "src", tmp_path)
    check(dataset, bars, 2)
    assert [image.file_name for image in dataset.images] == ["1.png", "2.png"]


def test_painted_labels(tmp_path, save, labels, bars):
    """Red, green and blue on black, as the Mendeley set is painted, with one white spot outside."""
    colours = np.array([[0, 0, 0], [250, 5, 0], [10, 255, 20], [0, 0, 255]], np.uint8)[labels]
    colours[0, 0] = 255
    save(tmp_path / "src/image/1.png")
    save(tmp_path / "src/label/1.png", colours)
    check(run(tmp_path / "src", tmp_path), bars, 1)


def test_palette_labels_are_indices(tmp_path, save, labels, bars):
    save(tmp_path / "src/images/1.png")
    palette = Image.frombytes("P", (80, 60), labels.tobytes())
    palette.putpalette([255, 255, 255, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    (tmp_path / "src/labels").mkdir()
    palette.save(tmp_path / "src/labels/1.png")
    check(run(tmp_path / "src", tmp_path), bars, 1)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32])
def test_the_hdf5_array_of_hu_and_pommier(tmp_path, draw, labels, bars, kind):
    stack = np.stack([np.stack([draw(dark=False), labels], axis=-1)] * 3).astype(kind)
    dataset = run(h5(tmp_path / "src/pairs.h5", dataset_1=stack), tmp_path)
    check(dataset, bars, 3)
    assert [image.file_name for image in dataset.images] == [f"pairs/{n:05d}.png" for n in range(3)]
    np.testing.assert_array_equal(read_grey(dataset.root / "images/pairs/00001.png"), draw(dark=False))
    assert dataset.card.polarity == "light-on-dark" and dataset.card.stain == "dapi"


@pytest.mark.parametrize("names", [("images", "labels"), ("X", "Y"), ("arr_0", "arr_1")])
def test_two_arrays_in_npz(tmp_path, draw, labels, bars, names):
    (tmp_path / "src").mkdir()
    arrays = {names[0]: np.stack([draw()] * 2)[..., None], names[1]: np.stack([labels] * 2)}
    np.savez(tmp_path / "src/a.npz", **arrays)
    dataset = run(tmp_path / "src", tmp_path)
    check(dataset, bars, 2)
    assert dataset.card.stain == "g-band"


def test_sixteen_bits_are_kept(tmp_path, draw, labels):
    deep = draw().astype(np.uint16) * 100
    dataset = run(h5(tmp_path / "a.h5", images=deep[None], labels=labels[None]), tmp_path)
    np.testing.assert_array_equal(read_grey(dataset.root / "images/a/00000.png"), deep)


def test_touching_without_overlap_and_one_on_top_of_the_other(tmp_path, draw, bars):
    side_by_side = (bars[0] + 2 * (bars[1] & ~bars[0])).astype(np.uint8)
    inside = bars[0] + 2 * (bars[0] & bars[1]).astype(np.uint8)  # 1 and 3 alone
    dataset = run(
        h5(tmp_path / "a.h5", images=np.stack([draw()] * 2), labels=np.stack([side_by_side, inside])), tmp_path
    )
    first, second = (load_masks(dataset, image) for image in dataset.images)
    assert not first.all(axis=0).any() and len(first) == 2
    np.testing.assert_array_equal(second, [bars[0], bars[0] & bars[1]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: np.where(a == 3, 4, a), "label values 4; expected 0 background"),
        (lambda a: a * 0, "a label map without a chromosome"),
        (lambda a: a + 0.5, "label values 0.5, 1.5, 2.5, 3.5"),
        (lambda a: a * 85, "label values 85, 170, 255"),
    ],
)
def test_bad_labels_are_named(tmp_path, draw, labels, change, message):
    path = h5(tmp_path / "a.h5", images=np.stack([draw()] * 2), labels=np.stack([labels, change(labels)]))
    text = problem(path, tmp_path)
    assert "a.h5[1]" in text and message in text


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": (3, 60, 80), "labels": (2, 60, 80)}, "arrays images (3, 60, 80), labels (2, 60, 80)"),
        ({"images": (3, 60, 80)}, "arrays images (3, 60, 80); expected one of (N, H, W, 2)"),
        ({"one": (3, 60, 80, 3)}, "arrays one (3, 60, 80, 3)"),
        ({"images": (0, 60, 80), "labels": (0, 60, 80)}, "a.h5: no image"),
        ({}, "a.h5: arrays none"),
    ],
)
def test_other_arrays_are_named(tmp_path, arrays, message):
    path = h5(tmp_path / "a.h5", **{name: np.zeros(shape, np.uint8) for name, shape in arrays.items()})
    assert message in problem(path, tmp_path)


@pytest.mark.parametrize(
    "grey", [np.linspace(0, 1, 4800), np.full(4800, -3.0), np.full(4800, 1e6), np.full(4800, np.nan)]
)
def test_grey_values_that_no_picture_holds_are_named(tmp_path, labels, grey):
    path = h5(tmp_path / "a.h5", images=grey.reshape(1, 60, 80), labels=labels[None])
    assert "a.h5[0]: grey values from" in problem(path, tmp_path)


@pytest.mark.parametrize("suffix", ["h5", "npz"])
@pytest.mark.parametrize(
    "content", [b"", b"only text", b"PK\x03\x04 but then nothing", b"\x89HDF\r\n\x1a\n" + b"\0" * 90]
)
def test_broken_array_files_are_named(tmp_path, suffix, content):
    (tmp_path / f"a.{suffix}").write_bytes(content)
    assert f"a.{suffix} cannot be read" in problem(tmp_path / f"a.{suffix}", tmp_path)


@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_truncated_array_files_are_named(tmp_path, suffix, labels):
    images = np.random.default_rng(0).integers(0, 255, (4, 60, 80)).astype(np.uint8)
    path = tmp_path / f"a.{suffix}"
    if suffix == "h5":
        h5(path, images=images, labels=np.stack([labels] * 4))
    else:
        np.savez_compressed(path, images=images, labels=np.stack([labels] * 4))
    path.write_bytes(path.read_bytes()[:9000])
    assert f"a.{suffix} cannot be read" in problem(path, tmp_path)


def test_pickled_objects_are_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{"a": 1}], dtype=object), labels=np.zeros((1, 2, 2)))
    assert "a.npz cannot be read" in problem(tmp_path / "a.npz", tmp_path)


def test_pictures_without_their_other_half_are_named(tmp_path, save, labels):
    save(tmp_path / "src/images/1.png")
    save(tmp_path / "src/labels/1.png", labels)
    save(tmp_path / "src/images/2.png")
    save(tmp_path / "src/labels/3.png", labels)
    with pytest.raises(UnreadableSourceError) as caught:
        run(tmp_path / "src", tmp_path)
    assert [one.got for one in caught.value.problems] == [
        "images/2.png without a label map",
        "labels/3.png without an image",
    ]


def test_a_label_map_of_another_size_is_named(tmp_path, save, labels):
    save(tmp_path / "src/images/1.png")
    save(tmp_path / "src/labels/1.png", labels[:50])
    assert "a label map of 80×50 for an image of 80×60 pixels" in problem(tmp_path / "src", tmp_path)


def test_nothing_of_the_format(tmp_path):
    (tmp_path / "src").mkdir()
    assert "no array file (.h5, .npz) or picture with a label map" in problem(tmp_path / "src", tmp_path)
    assert "is not there" in problem(tmp_path / "gone.h5", tmp_path)
