import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from chromseg.annotations import (
    Dataset,
    ImageRecord,
    load_boxes,
    load_image,
    load_maps,
    load_masks,
    read_dataset,
    write_dataset,
)
from chromseg.annotations.dataset import POLARITIES, STAINS
from chromseg.errors import DataError


def edit(root, change):
    """Change annotations.json by a function of its content."""
    path = root / "annotations.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_is_written_is_read_back(cells):
    assert read_dataset(cells.root) == cells


def test_the_file_is_coco(cells):
    coco = json.loads((cells.root / "annotations.json").read_text())
    assert set(coco) == {"images", "annotations", "categories"}
    assert coco["images"][0]["case_id"] == "case1" and coco["images"][1]["split"] == "test"
    assert coco["annotations"][0]["bbox"] == [4, 28, 56, 8]


def test_images_are_absorbance_and_masks_are_in_file_order(cells, crossing_bars):
    image = cells.images[0]
    absorbance, masks = load_image(cells, image), load_masks(cells, image)
    assert absorbance.dtype == np.float32 and absorbance[0, 0] == 0 and absorbance[32, 32] == 1
    np.testing.assert_array_equal(masks[:2], crossing_bars)
    assert masks.shape == (3, 64, 64) and masks.dtype == bool


def test_crowds_are_no_chromosomes(tmp_path, make_dataset, crossing_bars):
    dataset = make_dataset(tmp_path / "set", [list(crossing_bars)], crowds={1})
    assert load_masks(dataset, dataset.images[0]).shape == (1, 64, 64)


def test_an_image_without_annotation_has_no_mask(tmp_path, make_dataset):
    dataset = make_dataset(tmp_path / "set", [[]])
    assert dataset.instances_of == {1: ()}
    assert load_masks(dataset, dataset.images[0]).shape == (0, 64, 64)
    assert not dataset.has_masks and not dataset.has_maps


def test_splits(cells):
    assert [image.id for image in cells.in_split("train")] == [1]
    assert cells.in_split("val") == ()


def test_maps_are_stored_beside_the_images(tmp_path, cells, crossing_bars):
    records = (ImageRecord(1, "sub/a.jpg", 64, 64, "a", "train"),)
    dataset = Dataset(tmp_path / "maps", cells.card, records, (), {1: "chromosome"})
    crossing, chromosome = crossing_bars.all(axis=0), crossing_bars.any(axis=0)
    write_dataset(dataset, {1: np.zeros((64, 64), np.uint8)}, {1: (crossing, chromosome)})
    again = read_dataset(dataset.root)
    assert again.has_maps
    for written, read in zip((crossing, chromosome), load_maps(again, again.images[0]), strict=True):
        np.testing.assert_array_equal(written, read)


def test_files_are_copied_as_they_are_and_bytes_written(tmp_path, cells):
    source = tmp_path / "a.jpg"
    Image.fromarray(np.full((64, 64), 9, np.uint8)).save(source)
    for index, pixels in enumerate([source, source.read_bytes()]):
        records = (ImageRecord(1, "a.jpg", 64, 64, "a", "train"),)
        dataset = Dataset(tmp_path / f"copy{index}", cells.card, records, (), {1: "chromosome"})
        write_dataset(dataset, {1: pixels})
        assert (dataset.root / "images/a.jpg").read_bytes() == source.read_bytes()


def test_an_existing_dataset_is_not_overwritten(cells):
    before = (cells.root / "annotations.json").read_bytes()
    with pytest.raises(DataError, match="exists already"):
        write_dataset(cells, {1: np.zeros((64, 64), np.uint8), 2: np.zeros((64, 64), np.uint8)})
    assert (cells.root / "annotations.json").read_bytes() == before


@pytest.mark.parametrize("stop", [KeyboardInterrupt, KeyError])
def test_a_writing_that_stops_leaves_nothing(tmp_path, cells, stop):
    class Pixels(dict):
        def __getitem__(self, key):
            if key == 2:
                raise stop
            return np.zeros((64, 64), np.uint8)

    with pytest.raises(stop):
        write_dataset(replace(cells, root=tmp_path / "new" / "set"), Pixels())
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_that_is_no_dataset(tmp_path):
    with pytest.raises(DataError, match=r"dataset\.yaml.*data import"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("annotations.json", "{"),
        ("annotations.json", ""),
        ("annotations.json", "[]"),
        ("annotations.json", '{"images": {}, "annotations": [], "categories": []}'),
        ("dataset.yaml", "name: [1"),
        ("dataset.yaml", "just text"),
        ("dataset.yaml", "name: x\n"),
    ],
)
def test_broken_files_are_named(cells, file, text):
    (cells.root / file).write_text(text)
    with pytest.raises(DataError, match=file):
        read_dataset(cells.root)


def test_a_file_that_is_not_text_is_named(cells):
    (cells.root / "annotations.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"annotations\.json"):
        read_dataset(cells.root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["images"][0].pop("case_id"), "ImageRecord 1 without case_id"),
        (lambda c: c["images"].append("a string"), "ImageRecord that is str"),
        (lambda c: c["images"][0].update(width="64"), "width is '64'; expected a whole number"),
        (lambda c: c["images"][0].update(case_id=7), "case_id is 7; expected text"),
        (lambda c: c["annotations"][1].update(bbox=[1, 2, 3]), "InstanceRecord 2 whose bbox"),
        (lambda c: c["annotations"][1].update(bbox=[1, 2, 3, float("nan")]), "InstanceRecord 2 whose bbox"),
        (lambda c: c["annotations"][0].update(segmentation="x"), "segmentation is 'x'"),
        (lambda c: c["annotations"][0].update(area=None), "area is None; expected a number"),
        (lambda c: c["annotations"][0].update(image_id=99), "image 99, which is not listed"),
        (lambda c: c["categories"].append({"id": 2}), "a category without id or name"),
    ],
)
def test_a_record_that_breaks_the_contract_is_named(cells, change, message):
    edit(cells.root, change)
    with pytest.raises(DataError, match=message):
        read_dataset(cells.root)


def test_further_fields_of_coco_are_left_aside(cells):
    edit(cells.root, lambda c: (c.update(info={}), c["images"][0].update(license=1)))
    assert read_dataset(cells.root) == cells


def test_boxes_without_segmentation_are_box_only(cells):
    edit(cells.root, lambda c: [entry.pop("segmentation") for entry in c["annotations"]])
    dataset = read_dataset(cells.root)
    assert not dataset.has_masks and dataset.instances[0].segmentation == []


def test_boxes_are_cut_at_the_image_and_classes_count_from_one(cells):
    dataset = replace(read_dataset(cells.root), categories={1: "chromosome", 7: "Y", 9: "odd"})
    first = dataset.images[0]
    instances = [i for i in dataset.instances if i.image_id == first.id]
    given = [((-4.0, 10.0, 20.0, 80.0), 9, 0), ((5.0, 5.0, 9.0, 9.0), 7, 1), ((70.0, 0.0, 9.0, 9.0), 1, 0)]
    changed = [
        replace(i, bbox=box, category_id=category, iscrowd=crowd)
        for i, (box, category, crowd) in zip(instances, given, strict=True)
    ]
    boxes, labels = load_boxes(replace(dataset, instances=tuple(changed)), first)
    assert boxes.tolist() == [[0, 10, 16, 64]] and labels.tolist() == [3]  # a crowd and a box outside are no truth
    assert boxes.dtype == np.float32 and labels.dtype == np.int64
    nothing, none = load_boxes(replace(dataset, instances=()), first)
    assert nothing.shape == (0, 4) and none.shape == (0,)


@pytest.mark.parametrize(("field", "choices"), [("stain", STAINS), ("polarity", POLARITIES)])
def test_a_card_lists_what_is_allowed(cells, field, choices):
    text = (cells.root / "dataset.yaml").read_text()
    old = getattr(cells.card, field)
    (cells.root / "dataset.yaml").write_text(text.replace(f"{field}: {old}", f"{field}: purple"))
    with pytest.raises(DataError, match=f"{field} 'purple'.*{', '.join(choices)}"):
        read_dataset(cells.root)


def test_an_image_of_another_size_is_refused(cells):
    Image.new("L", (10, 12)).save(cells.root / "images/1.png")
    with pytest.raises(DataError, match="10×12 pixels; expected 64×64"):
        load_image(cells, cells.images[0])


def test_a_missing_image_is_named(cells):
    (cells.root / "images/1.png").unlink()
    with pytest.raises(DataError, match=r"no image .*1\.png"):
        load_image(cells, cells.images[0])
