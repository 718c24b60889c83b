import pytest

from chromseg.errors import DataError
from chromseg.importers import ImportOptions, import_dataset

OBJECT = """<object><name>{name}</name><difficult>0</difficult><bndbox>
<xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"""


def box(name="A1", xmin=10, ymin=26, xmax=70, ymax=34):
    return OBJECT.format(name=name, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)


def write(path, *objects, size=(80, 60), filename=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    name = filename or f"{path.stem}.png"
    path.write_text(
        f"<annotation><filename>{name}</filename><size><width>{size[0]}</width><height>{size[1]}</height>"
        f"<depth>3</depth></size>{''.join(objects)}</annotation>"
    )


@pytest.fixture
def source(tmp_path, save):
    """Two images of case 105771 and one of case 105772, laid out as cil24 is."""
    src = tmp_path / "src"
    for name in ("1057711", "1057712", "1057721"):
        save(src / "images" / f"{name}.png")
        write(src / "annotations" / f"{name}.xml", box("A1"), box("X", 36, 6, 44, 54))
    return src


def run(src, tmp_path, **settings):
    return import_dataset("voc", src, "cells", data_root=tmp_path / "data", **settings)


def problem(src, tmp_path):
    with pytest.raises(DataError) as caught:
        run(src, tmp_path)
    assert not (tmp_path / "data").exists()
    return str(caught.value)


def test_boxes_classes_and_cases(source, tmp_path):
    dataset = run(source, tmp_path)
    assert [image.case_id for image in dataset.images] == ["105771", "105771", "105772"]
    assert dataset.categories == {1: "A1", 2: "X"} and not dataset.has_masks
    first = dataset.instances[0]
    assert first.bbox == (10, 26, 60, 8) and first.area == 480 and first.segmentation == []
    assert dataset.card.polarity == "dark-on-light" and dataset.card.stain == "g-band"


def test_the_24_classes_are_in_karyotype_order(source, tmp_path):
    names = ["G22", "A1", "Y", "C10", "C6", "B4", "X"]
    write(source / "annotations/1057711.xml", *(box(name) for name in names))
    assert list(run(source, tmp_path).categories.values()) == ["A1", "B4", "C6", "C10", "G22", "X", "Y"]


@pytest.mark.parametrize("corners", [{"xmax": 83}, {"xmin": -2}, {"ymax": 61.5}])
def test_a_box_beyond_the_image_is_kept_as_it_is(source, tmp_path, corners):
    write(source / "annotations/1057711.xml", box(**corners))
    dataset = run(source, tmp_path)
    left, top, width, height = dataset.instances[0].bbox
    found = {"xmin": left, "ymin": top, "xmax": left + width, "ymax": top + height}
    assert {key: found[key] for key in corners} == corners


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ((), "an empty annotation"),
        ((box(xmin=70, xmax=70),), "object 0: a box of 0×8 pixels"),
        ((box(), box(ymin=40, ymax=30)), "object 1: a box of 60×-10 pixels"),
        ((box(xmin="left"),), "object 0: a box None; expected four numbers"),
        ((box(xmin="nan"),), "object 0: a box of nan"),
        ((box(name="nucleus"),), "object 0: unknown class 'nucleus'"),
        ((box(name=""),), "object 0: unknown class ''"),
        (("<object><name>A1</name></object>",), "object 0: a box None"),
    ],
)
def test_bad_boxes_are_named(source, tmp_path, objects, message):
    write(source / "annotations/1057712.xml", *objects)
    text = problem(source, tmp_path)
    assert "annotations/1057712.xml" in text and message in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"<annotation><size>", "broken XML"),
        (b"\xff\xfe\x00<", "broken XML"),
        (b"text", "broken XML"),
    ],
)
def test_broken_files_are_named(source, tmp_path, content, message):
    (source / "annotations/1057712.xml").write_bytes(content)
    assert f"annotations/1057712.xml: {message}" in problem(source, tmp_path)


def test_an_image_of_another_size_is_named(source, tmp_path):
    write(source / "annotations/1057712.xml", box(), size=(60, 80))
    assert "an annotation of 60×80 for an image of 80×60 pixels" in problem(source, tmp_path)


def test_a_size_that_says_nothing_is_let_pass(source, tmp_path):
    write(source / "annotations/1057712.xml", box(), size=(0, 0))
    assert len(run(source, tmp_path).images) == 3


def test_a_missing_image_is_named(source, tmp_path):
    (source / "images/1057712.png").unlink()
    assert "annotations/1057712.xml: no image 1057712.png" in problem(source, tmp_path)


def test_a_wrong_suffix_in_the_file_finds_the_image_by_its_stem(source, tmp_path):
    write(source / "annotations/1057712.xml", box(), filename="1057712.jpg")
    assert len(run(source, tmp_path).images) == 3


def test_image_sets_are_the_split(source, tmp_path):
    sets = source / "ImageSets/Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("1057711\n1057712 1\n\n")
    (sets / "test.txt").write_text("1057721\n")
    assert [image.split for image in run(source, tmp_path).images] == ["train", "train", "test"]


def test_an_incomplete_split_is_an_error(source, tmp_path):
    sets = source / "ImageSets/Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("1057711\n")
    assert "2 of 3 images without a split, 1057712.png first" in problem(source, tmp_path)


def test_other_names_can_be_declared_or_ignored(source, tmp_path):
    write(source / "annotations/1057711.xml", box("Chromosom"), box("nucleus"))
    dataset = run(source, tmp_path, options=ImportOptions(classes=("Chromosom",), ignore=("nucleus",)))
    assert len(dataset.instances) == 5 and "Chromosom" in dataset.categories.values()


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "chromosome"}">' for n in range(12))


@pytest.mark.parametrize(
    "declared",
    [BOMB, '<!ENTITY e11 SYSTEM "file:///etc/passwd">', '<!ENTITY % e11 "x">'],
    ids=["expanding", "external", "parameter"],
)
def test_entities_are_refused_before_any_is_expanded(tmp_path, save, declared):
    """The first would stand for 10 TB."""
    save(tmp_path / "src/1.png")
    path = tmp_path / "src/1.xml"
    write(path, box("&e11;"))
    path.write_text(f"<!DOCTYPE annotation [{declared}]>{path.read_text()}")
    assert "1.xml: an XML entity" in problem(tmp_path / "src", tmp_path)


def test_characters_that_every_xml_file_may_name_are_no_entities(tmp_path, save):
    save(tmp_path / "src/a&b.png")
    write(tmp_path / "src/1.xml", box(), filename="a&amp;b.png")
    assert [image.file_name for image in run(tmp_path / "src", tmp_path).images] == ["a&b.png"]
