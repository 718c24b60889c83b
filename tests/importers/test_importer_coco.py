import json

import numpy as np
import pytest
from PIL import Image

from chromseg.annotations import encode_rle, load_masks, read_dataset
from chromseg.errors import DataError
from chromseg.importers import ImportOptions, import_dataset


def flat(points):
    return [coordinate for point in points for coordinate in point]


@pytest.fixture
def content(polygons):
    """Two images with two polygons each."""
    images = [{"id": n, "file_name": f"{n}.png", "width": 80, "height": 60} for n in (7, 8)]
    annotations = [
        {
            "id": 10 * image["id"] + n,
            "image_id": image["id"],
            "category_id": 3,
            "segmentation": [flat(points)],
            "bbox": [0, 0, 1, 1],
        }
        for image in images
        for n, points in enumerate(polygons)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "chromosome"}]}


@pytest.fixture
def source(tmp_path, save):
    """source(content): writes it as src/annotations/instances.json beside the images 7.png and 8.png."""

    def _source(content, name="annotations/instances.json"):
        for number in (7, 8):
            save(tmp_path / f"src/images/{number}.png")
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path / "src"

    return _source


def run(src, tmp_path, **settings):
    return import_dataset("coco", src, "cells", data_root=tmp_path / "data", **settings)


def problem(src, tmp_path):
    with pytest.raises(DataError) as caught:
        run(src, tmp_path)
    assert not (tmp_path / "data").exists()
    return str(caught.value)


def test_polygons_become_chromosomes_with_their_own_boxes(source, content, tmp_path, bars):
    dataset = run(source(content), tmp_path)
    masks = load_masks(dataset, dataset.images[0])
    for mask, drawn, instance in zip(masks, bars, dataset.instances_of[1], strict=True):
        assert (mask & drawn).sum() / (mask | drawn).sum() > 0.9
        assert instance.area == mask.sum() and instance.bbox[2] > 1
    assert dataset.categories == {1: "chromosome"} and [image.case_id for image in dataset.images] == ["7", "8"]


def test_the_file_itself_can_be_the_source(source, content, tmp_path):
    src = source(content)
    assert len(run(src / "annotations/instances.json", tmp_path).images) == 2


def test_run_lengths_in_both_forms(source, content, tmp_path, bars):
    runs = np.diff(np.flatnonzero(np.diff(bars[1].T.ravel(), prepend=False, append=True)), prepend=0)
    content["annotations"][0]["segmentation"] = encode_rle(bars[0])
    content["annotations"][1]["segmentation"] = {
        "size": [60, 80],
        "counts": [int(run) for run in runs] + [60 * 80 - int(runs.sum())],
    }
    dataset = run(source(content), tmp_path)
    np.testing.assert_array_equal(load_masks(dataset, dataset.images[0]), bars)
    assert all(isinstance(i.segmentation["counts"], str) for i in dataset.instances_of[1])


def test_boxes_alone(source, content, tmp_path):
    for index, annotation in enumerate(content["annotations"]):
        annotation.update(segmentation=[], bbox=[70, 5, 20, 10 + index])
    dataset = run(source(content), tmp_path)
    assert not dataset.has_masks and dataset.instances[1].bbox == (70, 5, 20, 11) and dataset.instances[1].area == 220


def test_crowds_stay_crowds(source, content, tmp_path, bars):
    content["categories"].append({"id": 4, "name": "cluster"})
    content["annotations"][0].update(iscrowd=1, category_id=4, segmentation=encode_rle(bars.any(axis=0)))
    dataset = run(source(content), tmp_path)
    assert dataset.instances[0].iscrowd == 1 and len(load_masks(dataset, dataset.images[0])) == 1


def test_what_was_imported_once_can_be_imported_again(source, content, tmp_path):
    content["images"][0].update(case_id="p1", split="test")
    content["images"][1].update(case_id="p2", split="train")
    src = source(content)
    with Image.open(src / "images/8.png") as picture:
        picture.point(lambda value: value // 2).save(src / "images/8.png")  # not twice the same
    first = run(src, tmp_path)
    again = import_dataset("coco", first.root, "again", data_root=tmp_path / "data")
    assert read_dataset(again.root).images == first.images and again.instances == first.instances
    assert [image.case_id for image in again.images] == ["p1", "p2"]
    assert [image.split for image in again.images] == ["test", "train"]


@pytest.mark.parametrize(
    "names", [("instances_train2017.json", "instances_val2017.json"), ("train.json", "valid.json")]
)
def test_files_that_name_a_split(source, content, tmp_path, names):
    for name, image in zip(names, (7, 8), strict=True):
        part = {
            **content,
            "images": [one for one in content["images"] if one["id"] == image],
            "annotations": [one for one in content["annotations"] if one["image_id"] == image],
        }
        src = source(part, f"annotations/{name}")
    dataset = run(src, tmp_path)
    assert {image.file_name: image.split for image in dataset.images} == {"7.png": "train", "8.png": "val"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "annotations/instances.json: an empty file"),
        ("{", "annotations/instances.json: broken JSON"),
        ("[]", "JSON without named fields"),
        ("{}", "no list `images`"),
        ('{"images": [], "annotations": [], "categories": []}', "an empty list of images"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "images[0] without id or file_name"),
    ],
)
def test_broken_files_are_named(source, tmp_path, text, message):
    src = source(text)
    for path in (src / "images").iterdir():
        path.unlink()
    assert message in problem(src, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"][1].update(segmentation=[[1, 1, 5, 5]]), "annotation 71: a polygon of 4 numbers"),
        (lambda c: c["annotations"][1].update(segmentation="abc"), "annotation 71: a segmentation 'abc'"),
        (lambda c: c["annotations"][1].update(segmentation=7), "annotation 71: a segmentation 7"),
        (lambda c: c["annotations"][1].update(segmentation={"size": [60, 80], "counts": "0"}), "do not fill the image"),
        (lambda c: c["annotations"][1].update(segmentation=encode_rle(np.ones((80, 60), bool))), "size [80, 60]"),
        (lambda c: c["annotations"][1].update(segmentation=[], bbox=[0, 0, 0, 4]), "annotation 71: a box of 0×4"),
        (
            lambda c: c["annotations"][1].pop("segmentation") and c["annotations"][1].pop("bbox"),
            "annotation 71: a box None",
        ),
        (lambda c: c["annotations"][1].update(category_id=9), "annotation 71: category_id 9; expected one of 3"),
        (lambda c: c["categories"][0].update(name="cat"), "unknown class 'cat'"),
        (
            lambda c: c["annotations"].append({"image_id": 99, "category_id": 3}),
            "1 annotations for images that are not listed",
        ),
        (lambda c: c.update(annotations=c["annotations"][:2]), "8.png: no annotation"),
        (lambda c: c["images"][1].update(id=7), "image id 7 used 2 times"),
        (lambda c: c["images"][1].update(file_name="7.png"), "7.png: an image of this name a second time"),
        (lambda c: c["images"][1].update(file_name="9.png"), "no image 9.png"),
        (lambda c: c["images"][1].update(width=81), "an annotation of 81×60 for an image of 80×60 pixels"),
        (lambda c: c["images"][1].update(split="later"), "split 'later'"),
        (lambda c: c["images"].pop(), "images/8.png: no annotation"),
    ],
)
def test_bad_content_is_named(source, content, tmp_path, change, message):
    change(content)
    src = source(content)
    with pytest.raises(DataError) as caught:
        run(src, tmp_path)
    problems = getattr(caught.value, "problems", ()) or (caught.value,)
    assert any(message in str(one) for one in problems), problems
    assert not (tmp_path / "data").exists()


def test_categories_can_be_declared_or_ignored(source, content, tmp_path, polygons):
    content["categories"] += [{"id": 4, "name": "nucleus"}, {"id": 5, "name": "marker"}]
    for number in (4, 5):
        content["annotations"].append(
            {"id": number, "image_id": 7, "category_id": number, "segmentation": [flat(polygons[0])]}
        )
    dataset = run(source(content), tmp_path, options=ImportOptions(classes=("marker",), ignore=("nucleus",)))
    assert list(dataset.categories.values()) == ["chromosome", "marker"] and len(dataset.instances) == 5


@pytest.mark.parametrize("kind", [str, float, lambda number: f" {number} "])
@pytest.mark.parametrize(
    ("table", "field"), [("images", "id"), ("annotations", "image_id"), ("annotations", "category_id")]
)
def test_ids_of_mixed_types_are_joined(source, content, tmp_path, kind, table, field):
    for entry in content[table]:
        entry[field] = kind(entry[field])
    dataset = run(source(content), tmp_path)
    assert [len(dataset.instances_of[image.id]) for image in dataset.images] == [2, 2]


def test_an_id_that_is_another_is_named_with_its_type(source, content, tmp_path):
    for annotation in content["annotations"][:2]:
        annotation["image_id"] = "007"
    src = source(content)
    with pytest.raises(DataError) as caught:
        run(src, tmp_path)
    (first, *_) = caught.value.problems
    assert "2 annotations for images that are not listed, image_id '007' first; expected every image_id" in str(first)


def test_a_file_of_crowds_alone_holds_chromosomes(source, content, tmp_path, bars):
    """CVAT writes iscrowd 1 for whatever its brush drew."""
    for index, annotation in enumerate(content["annotations"]):
        annotation.update(iscrowd=1, segmentation=encode_rle(bars[index % 2]))
    dataset = run(source(content), tmp_path)
    np.testing.assert_array_equal(load_masks(dataset, dataset.images[0]), bars)
    assert not any(instance.iscrowd for instance in dataset.instances)


def test_crowds_called_chromosome_among_chromosomes_are_refused(source, content, tmp_path):
    content["annotations"][1]["iscrowd"] = 1
    assert "annotation 71: iscrowd 1 on a 'chromosome', as some others here but not all" in problem(
        source(content), tmp_path
    )


def test_flat_polygons_and_lists_of_points_are_polygons(source, content, tmp_path, polygons):
    nested = run(source(content), tmp_path)
    content["annotations"][0]["segmentation"] = flat(polygons[0])
    content["annotations"][1]["segmentation"] = polygons[1]
    dataset = import_dataset("coco", source(content), "flat", data_root=tmp_path / "data")
    assert dataset.instances == nested.instances


def test_a_category_listed_twice_is_named(source, content, tmp_path):
    content["categories"].append({"id": "3", "name": "X"})
    assert "category id 3 used 2 times" in problem(source(content), tmp_path)
