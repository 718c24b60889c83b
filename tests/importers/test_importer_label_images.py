"""Formats instance-map and class-map: ids, palettes, colours, planes, classes with overlaps; spoiled ones refused."""

import numpy as np
import pytest
from PIL import Image

from chromseg.annotations import load_masks
from chromseg.errors import DataError
from chromseg.importers import ImportOptions, import_dataset

PALETTE = [value for index in range(256) for value in ((index * 37) % 256, (index * 91) % 256, (index * 13) % 256)]


def palette(values):
    picture = Image.fromarray(values.astype(np.uint8), "P")
    picture.putpalette(PALETTE)
    return picture


def rods(numbers=(1, 2, 3)):
    """int (60, 80): upright rods of 8×40 px side by side, of these numbers."""
    labels = np.zeros((60, 80), int)
    for place, number in enumerate(numbers):
        labels[10:50, 6 + 14 * place : 14 + 14 * place] = number
    return labels


@pytest.fixture
def source(tmp_path, save):
    """source(labels, name="labels/1.png"): a picture, and the labels beside it."""

    def _source(labels, name="labels/1.png", image="images/1.png", **options):
        save(tmp_path / "src" / image)
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pages = labels if isinstance(labels, list) else [labels]
        first, *others = (one if isinstance(one, Image.Image) else Image.fromarray(one) for one in pages)
        first.save(path, **({"save_all": True, "append_images": others} if others else {}), **options)
        return tmp_path / "src"

    return _source


def run(src, tmp_path, form="instance-map", **settings):
    return import_dataset(form, src, "cells", data_root=tmp_path / "data", **settings)


def problem(src, tmp_path, form="instance-map"):
    with pytest.raises(DataError) as caught:
        run(src, tmp_path, form)
    assert not (tmp_path / "data").exists()
    return str(caught.value)


def masks_of(dataset):
    return load_masks(dataset, dataset.images[0])


@pytest.mark.parametrize("numbers", [(1, 2, 3), (251, 256, 300), (7, 60000, 9)])
@pytest.mark.parametrize("name", ["labels/1.png", "masks/1.tif", "images/1_cp_masks.tif", "images/1_labels.png"])
def test_each_id_of_16_bits_is_one_chromosome(source, tmp_path, numbers, name):
    labels = rods(numbers)
    found = masks_of(run(source(labels.astype(np.uint16), name), tmp_path))
    np.testing.assert_array_equal(found, [labels == number for number in sorted(numbers)])


def test_8_bits_palettes_floats_and_colours_hold_ids_too(source, tmp_path):
    labels = rods((1, 40, 254))
    painted = np.array(PALETTE, np.uint8).reshape(256, 3)[labels]
    painted[labels == 0] = 0
    forms = {
        "grey.png": labels.astype(np.uint8),
        "palette.png": palette(labels),
        "float.tif": labels.astype(np.float32),
        "colours.png": painted,
    }
    for name, picture in forms.items():
        src = source(picture, f"{name}/labels/1{name[-4:]}", f"{name}/images/1.png") / name
        found = import_dataset("instance-map", src, name.split(".")[0], data_root=tmp_path / "data")
        assert {mask.tobytes() for mask in masks_of(found)} == {(labels == one).tobytes() for one in (1, 40, 254)}, name


def test_planes_may_overlap(source, tmp_path, bars):
    """Two bars that cross, each with id 1 in a plane of its own."""
    dataset = run(source([mask.astype(np.uint16) for mask in bars], "labels/1.tif"), tmp_path)
    np.testing.assert_array_equal(masks_of(dataset), bars)
    assert (masks_of(dataset).sum(axis=0) == 2).sum() == 64


def test_a_chromosome_cut_in_two_by_another_is_one(source, tmp_path, bars):
    labels = np.where(bars[1], 2, bars[0].astype(int))
    labels[50:58, 60:64] = 3
    assert len(masks_of(run(source(labels.astype(np.uint16)), tmp_path))) == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (rods((1, 2, 255)).astype(np.uint8), "the value 255 in a label image of 8 bits; expected ids up to 254"),
        ((rods((250, 255, 260)) % 256).astype(np.uint8), "the value 255 in a label image of 8 bits"),
        ((rods((1, 1, 1)) > 0).astype(np.uint8), "1 of 1 labels in several pieces of like size"),
        (rods((3, 3, 4, 4, 5)).astype(np.uint16), "2 of 3 labels in several pieces"),
        (np.zeros((60, 80), np.uint16), "a label image without a chromosome"),
        (np.zeros((60, 79), np.uint16), "a label map of 79×60 for an image of 80×60"),
        (np.arange(4800).reshape(60, 80).astype(np.uint16), "4800 labels; expected ids above 0, 2000 at most"),
    ],
)
def test_what_holds_no_ids_is_refused(source, tmp_path, labels, message):
    assert message in problem(source(labels), tmp_path)


def test_a_jpeg_of_labels_is_refused_by_its_content(source, tmp_path):
    assert "a label map saved as JPEG" in problem(source(rods().astype(np.uint8), "labels/1.jpg"), tmp_path)
    spoiled = Image.fromarray((rods((40, 90, 160))).astype(np.uint8))
    spoiled.save(tmp_path / "spoiled.jpg", quality=60)
    with Image.open(tmp_path / "spoiled.jpg") as picture:
        assert "pieces of 10 px or less" in problem(source(np.asarray(picture), "labels/1.png"), tmp_path)


def test_labels_resized_with_blending_are_refused(source, tmp_path):
    rng = np.random.default_rng(0)
    small = np.kron(rng.permutation(np.arange(1, 21)).reshape(4, 5) * 10 % 254, np.ones((6, 7), int))
    blended = Image.fromarray(small.astype(np.uint8)).rotate(10, Image.Resampling.BILINEAR)
    blended = blended.resize((80, 60), Image.Resampling.BILINEAR)
    assert "pieces of 10 px or less; expected whole chromosomes" in problem(source(blended), tmp_path)


def test_classes_become_overlapping_chromosomes(source, tmp_path):
    """A 5 lies across a 21; the other 5, an X and a Y lie apart; 255 is where 5 and 21 overlap."""
    labels = np.zeros((60, 80), np.uint8)
    labels[26:34, 10:50], labels[10:50, 26:34] = 5, 21
    labels[26:34, 26:34] = 255
    labels[4:20, 60:66], labels[30:50, 60:66], labels[30:50, 70:76] = 5, 23, 24
    dataset = run(source(palette(labels), "labels/1.tif"), tmp_path, "class-map")
    names = [dataset.categories[one.category_id] for one in dataset.instances]
    assert names == ["5", "5", "21", "X", "Y"]
    masks = masks_of(dataset)
    across, down = np.zeros((2, 60, 80), bool)
    across[26:34, 10:50] = down[10:50, 26:34] = True
    np.testing.assert_array_equal(masks[1], across)
    np.testing.assert_array_equal(masks[2], down)
    assert dataset.card.stain == "g-band"  # the picture is dark on light; light on dark would be dapi


def test_an_overlap_counts_for_a_class_that_it_touches_at_a_corner_alone(source, tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    labels[10:20, 10:20], labels[20:24, 20:24], labels[30:40, 40:50], labels[50:54, 60:64] = 1, 255, 2, 255
    masks = masks_of(run(source(labels), tmp_path, "class-map"))
    assert [int(mask.sum()) for mask in masks] == [100 + 16, 100]


def test_mfish_names_pair_and_tell_the_case(tmp_path, source, save):
    labels = rods((1, 2, 3)).astype(np.uint8)
    for place, name in enumerate(("V1101XY", "A200444", "A220412")):
        src = source(palette(labels), f"labels/{name}K.tif", f"dapi/{name}D.png")
        save(src / f"dapi/{name}D.png", down=10 + 20 * place)
    dataset = run(src, tmp_path, "class-map")
    assert {image.file_name: image.case_id for image in dataset.images} == {
        "dapi/V1101XYD.png": "V11",
        "dapi/A200444D.png": "A20",
        "dapi/A220412D.png": "A20",
    }


def test_classes_can_be_left_out(source, tmp_path):
    dataset = run(
        source(rods((1, 2, 24)).astype(np.uint8)), tmp_path, "class-map", options=ImportOptions(ignore=("24",))
    )
    assert list(dataset.categories.values()) == ["1", "2"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (rods((1, 25, 254)).astype(np.uint8), "class values 25, 254; expected 0 ground, 1 to 22, 23 = X, 24 = Y, 255"),
        (np.full((60, 80), 255, np.uint8), "a class map without a chromosome"),
        (np.stack([rods() * 20, rods(), rods()], axis=2).astype(np.uint8), "a class map in colours"),
    ],
)
def test_what_holds_no_classes_is_refused(source, tmp_path, labels, message):
    assert message in problem(source(labels), tmp_path, "class-map")


def test_a_class_map_of_several_planes_is_refused(source, tmp_path):
    pages = [rods().astype(np.uint8)] * 2
    assert "a class map of 2 planes" in problem(source(pages, "labels/1.tif"), tmp_path, "class-map")


@pytest.mark.parametrize("form", ["instance-map", "class-map"])
def test_pictures_without_a_partner_are_named(source, tmp_path, save, form):
    src = source(rods().astype(np.uint8))
    save(src / "images/2.png")
    assert "images/2.png without a label map" in problem(src, tmp_path, form)
    (tmp_path / "empty").mkdir()
    assert "with a" in problem(tmp_path / "empty", tmp_path, form)
