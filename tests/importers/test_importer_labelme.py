import base64
import io
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chromseg.annotations import load_masks
from chromseg.errors import DataError
from chromseg.importers import ImportOptions, UnreadableSourceError, import_dataset, labelme


def write(path, shapes, *, image=None, size=(80, 60), **fields):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "version": "4.5.7",
        "shapes": shapes,
        "imagePath": image or f"{path.stem}.png",
        "imageWidth": size[0],
        "imageHeight": size[1],
        **fields,
    }
    path.write_text(json.dumps(content))


def shape(points, label="chr", **fields):
    return {"label": label, "points": points, "group_id": None, "shape_type": "polygon", "flags": {}, **fields}


@pytest.fixture
def source(tmp_path, save, polygons):
    """Two images of one case and one of another, laid out as BioImLab is."""
    src = tmp_path / "src"
    for name in ("original_1a", "original_1b", "original_10"):
        save(src / "images" / f"{name}.png", dark=False)
        write(src / "labelme" / f"{name}.json", [shape(points) for points in polygons])
    return src


def run(src, tmp_path, **settings):
    return import_dataset("labelme", src, "cells", data_root=tmp_path / "data", **settings)


def problem(src, tmp_path):
    """The one error that importing raises; nothing may be left behind."""
    with pytest.raises(DataError) as caught:
        run(src, tmp_path)
    assert not (tmp_path / "data").exists()
    return str(caught.value)


def test_polygons_become_chromosomes(source, tmp_path, bars):
    dataset = run(source, tmp_path)
    assert [image.file_name for image in dataset.images] == ["original_1a.png", "original_1b.png", "original_10.png"]
    assert [image.case_id for image in dataset.images] == ["1", "1", "10"]
    assert dataset.card.polarity == "light-on-dark" and dataset.card.stain == "q-band"
    assert dataset.categories == {1: "chromosome"}
    masks = load_masks(dataset, dataset.images[2])
    for mask, drawn, instance in zip(masks, bars, dataset.instances_of[3], strict=True):
        assert (mask & drawn).sum() / (mask | drawn).sum() > 0.9
        assert instance.area == mask.sum() and mask[:, int(instance.bbox[0])].any()
    assert (source / "images/original_1a.png").read_bytes() == (dataset.root / "images/original_1a.png").read_bytes()


def test_a_relative_source_and_images_beside_their_files(tmp_path, save, polygons, monkeypatch):
    save(tmp_path / "src/a.png")
    write(tmp_path / "src/a.json", [shape(points) for points in polygons])
    monkeypatch.chdir(tmp_path)
    dataset = import_dataset("labelme", Path("src"), "cells")
    assert dataset.card.polarity == "dark-on-light" and len(dataset.instances) == 2


def test_shapes_of_one_group_are_one_chromosome(tmp_path, save, polygons):
    save(tmp_path / "src/a.png")
    pieces = [shape(polygons[0], group_id=3), shape(polygons[1], group_id=3), shape(polygons[1], group_id=4)]
    write(tmp_path / "src/a.json", pieces)
    dataset = run(tmp_path / "src", tmp_path)
    assert [len(instance.segmentation) for instance in dataset.instances] == [2, 1]


def test_a_rectangle_is_an_outline_too(tmp_path, save):
    save(tmp_path / "src/a.png")
    write(tmp_path / "src/a.json", [shape([[10, 20], [30, 40]], shape_type="rectangle")])
    (instance,) = run(tmp_path / "src", tmp_path).instances
    assert instance.area == pytest.approx(400, rel=0.12)


def test_an_image_kept_inside_the_file(tmp_path, save, polygons):
    encoded = save(tmp_path / "elsewhere.png").read_bytes()
    write(tmp_path / "src/a.json", [shape(polygons[0])], imageData=base64.b64encode(encoded).decode())
    dataset = run(tmp_path / "src", tmp_path)
    assert (dataset.root / "images/a.png").read_bytes() == encoded


def test_folders_that_name_a_split_are_kept(tmp_path, save, polygons):
    for folder, name in [("train", "p1"), ("valid", "p2"), ("test", "p3")]:
        save(tmp_path / "src" / folder / "images" / f"{name}.png")
        write(tmp_path / "src" / folder / "labels" / f"{name}.json", [shape(polygons[0])])
    told = []
    dataset = run(tmp_path / "src", tmp_path, tell=told.append)
    assert {image.file_name: image.split for image in dataset.images} == {
        "test/p3.png": "test",
        "train/p1.png": "train",
        "valid/p2.png": "val",
    }
    assert [image.case_id for image in dataset.images] == ["p3", "p1", "p2"]
    assert "split kept as the source brings it" in told


def test_equal_names_in_two_splits_find_their_own_image(tmp_path, save, polygons):
    for folder, level in [("train", 10), ("test", 20)]:
        save(tmp_path / "src" / folder / "images" / "1.png", np.full((60, 80), level, np.uint8))
        write(tmp_path / "src" / folder / "labels" / "1.json", [shape(polygons[0])])
    dataset = run(tmp_path / "src", tmp_path, options=ImportOptions(polarity="dark-on-light"))
    for folder in ("train", "test"):
        copied = (dataset.root / "images" / folder / "1.png").read_bytes()
        assert copied == (tmp_path / "src" / folder / "images" / "1.png").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "original_10.json: an empty file"),
        ('{"shapes": [', "original_10.json: broken JSON"),
        ("[1, 2]", "original_10.json: JSON without named fields"),
        ("{}", "original_10.json: no `shapes`"),
    ],
)
def test_broken_files_are_named(source, tmp_path, content, message):
    (source / "labelme/original_10.json").write_text(content)
    assert message in problem(source, tmp_path)


def test_an_empty_annotation_is_named(source, tmp_path):
    write(source / "labelme/original_10.json", [])
    assert "original_10.json: an empty annotation" in problem(source, tmp_path)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"points": [[1, 1], [5, 5]]}, "shape 1: a polygon of 4 numbers; expected a list of at least 3 points"),
        ({"points": [[1, 1], [5, 5], [None, 3]]}, "shape 1 without a label or points"),
        ({"points": [[1, 1], [5, 5], [5]]}, "shape 1 without a label or points"),
        ({"points": [[500, 500], [510, 500], [510, 510]]}, "shape 1: an outline that covers no pixel"),
        ({"label": "nucleus"}, "shape 1: unknown class 'nucleus'"),
        ({"shape_type": "circle"}, "shape 1: a shape of type 'circle'"),
    ],
)
def test_bad_outlines_are_named(source, tmp_path, polygons, bad, message):
    write(source / "labelme/original_1b.json", [shape(polygons[0]), {**shape(polygons[1]), **bad}])
    text = problem(source, tmp_path)
    assert "labelme/original_1b.json" in text and message in text


def test_a_missing_image_is_named(source, tmp_path):
    (source / "images/original_10.png").unlink()
    assert "labelme/original_10.json: no image original_10.png" in problem(source, tmp_path)


def test_an_image_of_another_size_is_named(source, tmp_path, polygons):
    write(source / "labelme/original_10.json", [shape(polygons[0])], size=(800, 600))
    assert "an annotation of 800×600 for an image of 80×60 pixels" in problem(source, tmp_path)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"only text", lambda data: b""])
def test_an_image_that_is_none_is_named(source, tmp_path, damage):
    path = source / "images/original_1a.png"
    path.write_bytes(damage(path.read_bytes()))
    assert "images/original_1a.png cannot be read as an image" in problem(source, tmp_path)


def test_an_image_without_annotation_is_not_dropped_in_silence(source, tmp_path, save):
    save(source / "images/original_99.png", dark=False)
    assert "images/original_99.png: no annotation" in problem(source, tmp_path)


def test_two_annotations_of_one_image_are_named(source, tmp_path, polygons):
    write(source / "labelme/again.json", [shape(polygons[0])], image="original_1a.png")
    assert "original_1a.png: an image of this name a second time" in problem(source, tmp_path)


def test_equal_names_that_cannot_be_told_apart_are_named(source, tmp_path, save):
    save(source / "more/original_10.png")
    text = problem(source, tmp_path)
    assert "2 images called original_10 (images/original_10.png, more/original_10.png)" in text


def test_a_path_out_of_the_source_is_not_followed(tmp_path, save, polygons):
    save(tmp_path / "secret.png")
    write(tmp_path / "src/a.json", [shape(polygons[0])], image="../secret.png")
    assert "no image secret.png" in problem(tmp_path / "src", tmp_path)


def test_no_file_of_the_format(tmp_path, save):
    save(tmp_path / "src/a.png")
    assert "no LabelMe file (*.json) below" in problem(tmp_path / "src", tmp_path)
    assert "not there" in problem(tmp_path / "gone", tmp_path)


def test_all_problems_are_listed_at_once(source, tmp_path):
    (source / "images/original_10.png").unlink()
    (source / "labelme/original_1a.json").write_text("")
    told = []
    with pytest.raises(UnreadableSourceError, match="2 problems in src, the first: labelme/original_10") as caught:
        run(source, tmp_path, tell=told.append)
    assert len(caught.value.problems) == 2
    assert [message.split(":")[1] for message in told] == [" labelme/original_10.json", " labelme/original_1a.json"]
    assert not (tmp_path / "data").exists()


def test_skip_bad_leaves_them_out_and_says_so(source, tmp_path, save):
    (source / "images/original_10.png").unlink()
    save(source / "images/original_99.png", dark=False)
    told = []
    dataset = run(source, tmp_path, skip_bad=True, tell=told.append)
    assert [image.file_name for image in dataset.images] == ["original_1a.png", "original_1b.png"]
    left_out = [message for message in told if message.startswith("left out: ")]
    assert len(left_out) == 2 and "original_10.json" in left_out[0] and "original_99.png" in left_out[1]
    assert "2 left out, 2 images kept" in told


def test_skip_bad_with_nothing_left_is_still_an_error(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.json").write_text("{")
    with pytest.raises(DataError, match=r"a\.json: broken JSON"):
        run(tmp_path / "src", tmp_path, skip_bad=True)


def test_reading_alone_gives_images_and_problems(source):
    (source / "labelme/original_10.json").write_text("")
    found = labelme.read(source, ImportOptions())
    assert [image.name for image in found.images] == ["original_1a.png", "original_1b.png"]
    assert len(found.problems) == 1 and found.failed == ("labelme/original_10.json",)


def encoded(mask):
    """A mask as LabelMe keeps it: a PNG in base64."""
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, format="PNG")
    return base64.b64encode(stream.getvalue()).decode()


def mask_shape(mask, **fields):
    """A shape of LabelMe's AI tools: the corners of the mask's box, both inside, and the mask in it."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    crop = mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    corners = [[float(cols[0]), float(rows[0])], [float(cols[-1]), float(rows[-1])]]
    return shape(corners, shape_type="mask", mask=encoded(crop), **fields)


def test_masks_of_ai_tools_become_chromosomes(tmp_path, save, bars):
    save(tmp_path / "src/1.png")
    ragged = bars[0] & ~np.eye(60, 80, k=-20, dtype=bool)
    write(tmp_path / "src/1.json", [mask_shape(ragged), mask_shape(bars[1])])
    dataset = run(tmp_path / "src", tmp_path)
    np.testing.assert_array_equal(load_masks(dataset, dataset.images[0]), [ragged, bars[1]])


def test_a_mask_and_a_polygon_of_one_group_are_one_chromosome(tmp_path, save, bars, polygons):
    save(tmp_path / "src/1.png")
    write(tmp_path / "src/1.json", [mask_shape(bars[0], group_id=3), shape(polygons[1], group_id=3)])
    (mask,) = load_masks(found := run(tmp_path / "src", tmp_path), found.images[0])
    assert (mask & bars.any(axis=0)).sum() / (mask | bars.any(axis=0)).sum() > 0.9


def test_a_mask_beyond_the_image_is_cut_at_its_border(tmp_path, save):
    save(tmp_path / "src/1.png")
    mask = np.ones((10, 10), bool)
    write(tmp_path / "src/1.json", [shape([[-4, 55], [5, 64]], shape_type="mask", mask=encoded(mask))])
    (found,) = load_masks(dataset := run(tmp_path / "src", tmp_path), dataset.images[0])
    assert found.sum() == 6 * 5 and found[55:, :6].all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mask": "?"}, "shape 0: a mask not in base64"),
        ({"mask": None}, "shape 0: a mask not in base64"),
        ({"mask": base64.b64encode(b"text").decode()}, "shape 0: its mask cannot be read"),
        ({"mask": encoded(np.ones((9, 10), bool))}, "a mask of 10×9 pixels from (4, 5) to (13, 14); expected 10×10"),
    ],
)
def test_spoiled_masks_are_named(tmp_path, save, fields, message):
    save(tmp_path / "src/1.png")
    write(tmp_path / "src/1.json", [shape([[4, 5], [13, 14]], shape_type="mask", **fields)])
    assert message in problem(tmp_path / "src", tmp_path)


def test_autokary_writes_keys_with_underscores_and_numbers_all_classes(tmp_path, save, polygons):
    save(tmp_path / "src/1.png")
    shapes = [shape(polygons[0], label=label) for label in ("1", "22", "23", 24)]
    content = {"image_path": "1.png", "image_width": 80, "image_height": 60, "shapes": shapes}
    (tmp_path / "src/1.json").write_text(json.dumps(content))
    dataset = run(tmp_path / "src", tmp_path)
    assert [dataset.categories[one.category_id] for one in dataset.instances] == ["1", "22", "X", "Y"]
    content["image_width"] = 81
    (tmp_path / "src/1.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="an annotation of 81×60"):
        import_dataset("labelme", tmp_path / "src", "other", data_root=tmp_path / "data")


@pytest.mark.parametrize(("on_disk", "in_file"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_accents_match_in_either_form(tmp_path, save, polygons, on_disk, in_file):
    stored, told = (unicodedata.normalize(form, "métaphase é 1") for form in (on_disk, in_file))
    save(tmp_path / f"src/images/{stored}.png")
    write(tmp_path / f"src/{stored}.json", [shape(polygons[0])], image=f"{told}.png")
    dataset = run(tmp_path / "src", tmp_path)
    assert dataset.images[0].file_name == unicodedata.normalize("NFC", "métaphase é 1.png")
