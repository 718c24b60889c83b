"""What all formats share: name, card, polarity, cases, splits, and that nothing is left behind."""

import numpy as np
import pytest

from chromseg.annotations import assign_splits, load_image, read_dataset
from chromseg.errors import DataError, OutputError
from chromseg.importers import FORMATS, ImportOptions, import_dataset


@pytest.fixture
def source(tmp_path, save):
    """Ten cut-outs of five patients on a plain ground, dark on light."""
    for number, patient in enumerate("abcde"):
        for shot in (1, 2):
            save(tmp_path / f"src/{patient}/cell_{patient}{shot}.png", down=12 + 12 * number)
    return tmp_path / "src"


def run(src, tmp_path, name="cells", **settings):
    return import_dataset("singles", src, name, data_root=tmp_path / "data", **settings)


def test_the_formats_of_the_contract():
    assert list(FORMATS) == [
        *("labelme", "voc", "coco", "paired-masks", "label-map", "instance-map", "class-map", "singles"),
    ]


def test_an_unknown_format_lists_the_known(tmp_path):
    with pytest.raises(DataError, match="format 'yolo'; expected one of labelme, voc"):
        import_dataset("yolo", tmp_path, "cells")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "-x", "a b", "ä"])
def test_an_unfit_name_is_refused(source, tmp_path, name):
    with pytest.raises(DataError, match="dataset name"):
        run(source, tmp_path, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["src"]


def test_an_existing_name_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "data/cells").mkdir(parents=True)
    with pytest.raises(DataError, match="exists already"):
        run(tmp_path / "nowhere", tmp_path)


def test_the_card_says_what_was_given(source, tmp_path):
    dataset = run(source, tmp_path, stain="r-band", source="lab", licence="CC-BY", citation="Me 2026")
    card = read_dataset(dataset.root).card
    assert (card.name, card.stain, card.source, card.licence, card.citation) == (
        "cells",
        "r-band",
        "lab",
        "CC-BY",
        "Me 2026",
    )
    assert card.importer == "singles" and card.importer_version


def test_the_card_says_what_was_not_given(source, tmp_path):
    told = []
    card = run(source, tmp_path, tell=told.append).card
    assert (card.source, card.licence, card.citation) == ("src", "not stated", "not stated")
    assert "polarity judged from the pixels: dark-on-light" in told
    assert any(message.startswith("stain not given: g-band") for message in told)


def test_an_unknown_stain_is_refused(source, tmp_path):
    with pytest.raises(DataError, match="stain 'giemsa'; expected one of g-band"):
        run(source, tmp_path, stain="giemsa")


def test_invert_flips_the_declared_polarity_and_leaves_the_pixels(tmp_path, save, source):
    plain = run(source, tmp_path, "plain")
    inverted = run(source, tmp_path, "inverted", invert=True)
    assert (plain.card.polarity, inverted.card.polarity) == ("dark-on-light", "light-on-dark")
    name = plain.images[0].file_name
    assert (inverted.root / "images" / name).read_bytes() == (source / name).read_bytes()
    assert load_image(plain, plain.images[0])[30, 15] == 1 and load_image(inverted, inverted.images[0])[30, 15] == 0


def test_a_declared_polarity_is_not_judged(source, tmp_path):
    told = []
    run(source, tmp_path, options=ImportOptions(polarity="dark-on-light"), tell=told.append)
    assert not any("judged" in message for message in told)


def test_without_a_known_case_each_image_is_its_own(source, tmp_path):
    told = []
    dataset = run(source, tmp_path, tell=told.append)
    assert dataset.images[0].case_id == "a/cell_a1" and len({image.case_id for image in dataset.images}) == 10
    assert "10 of 10 images without a known case: each counts as a case of its own (--case-regex)" in told


def test_a_case_expression_groups_images(source, tmp_path):
    dataset = run(source, tmp_path, case_regex=r"cell_([a-z])")
    assert [image.case_id for image in dataset.images] == [case for case in "abcde" for _ in range(2)]
    assert {image.case_id: image.split for image in dataset.images} == assign_splits("cells", "abcde")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(", "--case-regex '\\(' .*expected a regular expression"),
        ("cell", "without a group; expected the case in a first group"),
        ("cell_([ab])", "does not fit 6 of 10 images, c/cell_c1.png first"),
        ("cell_(x?)", "does not fit 10 of 10"),
    ],
)
def test_a_bad_case_expression_is_refused(source, tmp_path, expression, message):
    with pytest.raises(DataError, match=message):
        run(source, tmp_path, case_regex=expression)
    assert not (tmp_path / "data").exists()


def test_shares_replace_the_usual_ones(source, tmp_path):
    dataset = run(source, tmp_path, case_regex=r"cell_([a-z])", split=(40, 20, 40))
    found = {image.case_id: image.split for image in dataset.images}
    assert found == assign_splits("cells", "abcde", (0.4, 0.2, 0.4)) != assign_splits("cells", "abcde")


def test_no_case_lies_in_two_splits(source, tmp_path):
    dataset = run(source, tmp_path, case_regex=r"cell_([a-z])")
    splits = {}
    for image in dataset.images:
        splits.setdefault(image.case_id, set()).add(image.split)
    assert all(len(found) == 1 for found in splits.values())


def test_a_split_of_the_source_is_kept_unless_shares_are_given(tmp_path, save):
    for place, folder in enumerate(("train", "test")):
        for number in range(3):
            save(tmp_path / f"src/{folder}/{number}{folder}.png", down=12 + 10 * (2 * number + place))
    kept = run(tmp_path / "src", tmp_path, "kept")
    assert all(image.split == image.file_name.split("/")[0] for image in kept.images)
    cut = run(tmp_path / "src", tmp_path, "cut", split=(0, 0, 1))
    assert {image.split for image in cut.images} == {"test"}


def test_a_case_in_two_splits_of_the_source_is_seen_as_one_case(tmp_path, save):
    """The split stays as the source brings it; that one case lies in two is for validation to say."""
    for folder in ("train", "test"):
        save(tmp_path / f"src/{folder}/p1_{folder}.png")
    dataset = run(tmp_path / "src", tmp_path, case_regex=r"^(p\d)")
    assert {image.case_id for image in dataset.images} == {"p1"}


def test_splits_without_a_case_are_told(tmp_path, save):
    save(tmp_path / "src/1.png")
    told = []
    run(tmp_path / "src", tmp_path, tell=told.append)
    assert any(one.startswith("of 1 cases none fell in val, none in test: ") and "--splits FILE" in one for one in told)


def test_images_are_in_natural_order(tmp_path, save):
    for number in (10, 9, 100):
        save(tmp_path / f"src/{number}.png")
    assert [image.file_name for image in run(tmp_path / "src", tmp_path).images] == ["9.png", "10.png", "100.png"]


def test_names_that_differ_by_suffix_alone_are_refused(tmp_path, save):
    save(tmp_path / "src/1.png")
    save(tmp_path / "src/1.tif")
    with pytest.raises(DataError, match=r"1\.tif: an image of this name a second time"):
        run(tmp_path / "src", tmp_path)


def test_the_same_import_gives_the_same_bytes(source, tmp_path):
    first, second = (import_dataset("singles", source, "cells", data_root=tmp_path / root) for root in ("one", "two"))
    for path in first.root.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (second.root / path.relative_to(first.root)).read_bytes()


def test_a_full_disk_leaves_nothing(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chromseg.annotations.dataset.shutil.copyfile", full)
    with pytest.raises(OutputError, match="No space left on device"):
        run(source, tmp_path)
    assert list((tmp_path / "data").iterdir()) == []


def test_twenty_problems_are_told_and_the_rest_counted(tmp_path, save):
    for number in range(25):
        save(tmp_path / f"src/{number}.png", np.full((9, 9), 50, np.uint8))
    told = []
    with pytest.raises(DataError, match="25 problems in src"):
        run(tmp_path / "src", tmp_path, options=ImportOptions(polarity="dark-on-light"), tell=told.append)
    assert len(told) == 21 and told[-1] == "… and 5 more problems"
