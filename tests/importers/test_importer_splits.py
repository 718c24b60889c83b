"""Splits that stand, cases that hold one metaphase, and the next version of a set."""

import csv
import shutil

import numpy as np
import pytest
import yaml

from chromseg.annotations import read_dataset
from chromseg.annotations.splits import split_of
from chromseg.dvc import folder_md5
from chromseg.errors import DataError, OutputError
from chromseg.importers import ImportOptions, import_dataset

CASE = r"cell_([a-z]+)"


@pytest.fixture
def grow(tmp_path, save):
    """grow("ab", "c", …): pictures of these patients, each another picture, in src."""

    def _grow(*patients):
        for patient in patients:
            place = sum((ord(letter) - 96) * 7 for letter in patient) % 60 + 8
            save(tmp_path / f"src/cell_{patient}.png", down=place)
        return tmp_path / "src"

    return _grow


def run(src, tmp_path, name="cells", **settings):
    return import_dataset("singles", src, name, data_root=tmp_path / "data", **settings)


def cases_of(dataset):
    return {image.case_id: (image.group, image.split) for image in dataset.images}


def listed(path, **splits):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("case", "split"), *splits.items()])
    return path


def test_cases_that_hold_one_metaphase_get_one_group_and_its_split(tmp_path, grow):
    src = grow("a", "b", "c")
    shutil.copy(src / "cell_c.png", src / "cell_bb.png")
    told = []
    found = cases_of(run(src, tmp_path, case_regex=CASE, tell=told.append))
    assert found["bb"] == found["c"] == ("bb", split_of("cells", "bb"))
    assert found["a"] == ("", split_of("cells", "a"))
    note = "cases bb, c hold the same metaphase (cell_bb.png and cell_c.png): one group, one split"
    assert note in told


def test_a_group_is_one_case_where_cases_are_counted(tmp_path, grow):
    src = grow("a", "c")
    shutil.copy(src / "cell_c.png", src / "cell_bb.png")
    dataset = run(src, tmp_path, case_regex=CASE)
    assert [image.case for image in dataset.images] == ["a", "bb", "bb"]
    assert read_dataset(dataset.root).images == dataset.images


def test_groups_join_over_pictures_of_a_third_case(tmp_path, grow):
    src = grow("a", "b")
    for name, other in (("c1", "a"), ("c2", "b")):
        shutil.copy(src / f"cell_{other}.png", src / f"cell_{name}.png")
    assert {group for group, _ in cases_of(run(src, tmp_path, case_regex=CASE)).values()} == {"a"}


def test_a_listed_split_stands_and_the_rest_follows_its_name(tmp_path, grow):
    splits = listed(tmp_path / "splits.csv", a="test", b="val")
    found = cases_of(run(grow("a", "b", "c"), tmp_path, case_regex=CASE, splits=splits, split=(0, 0, 1)))
    assert {case: split for case, (_, split) in found.items()} == {"a": "test", "b": "val", "c": "test"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,split\na,later\n", "line 2: case 'a', split 'later'"),
        ("case,split\na,val\na,val\n", "line 3: case 'a', split 'val', again"),
        ("name,split\na,val\n", "line 2: case None"),
    ],
)
def test_a_bad_list_is_named(tmp_path, grow, text, message):
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        run(grow("a"), tmp_path, splits=tmp_path / "splits.csv")
    with pytest.raises(DataError, match="cannot be read"):
        run(grow("a"), tmp_path, splits=tmp_path / "gone.csv")


def test_a_list_that_parts_a_group_is_kept_and_told(tmp_path, grow):
    src, told = grow("a", "b"), []
    shutil.copy(src / "cell_b.png", src / "cell_c.png")
    splits = listed(tmp_path / "splits.csv", b="val", c="test")
    found = cases_of(run(src, tmp_path, case_regex=CASE, splits=splits, tell=told.append))
    assert found["b"] == ("b", "val") and found["c"] == ("b", "test")
    assert any("1 cases or groups stand in several splits, b first" in message for message in told)


def test_the_card_keeps_what_the_import_was_told(tmp_path, grow):
    options = ImportOptions(polarity="dark-on-light", ignore=("nucleus",))
    dataset = run(grow("a"), tmp_path, case_regex=CASE, invert=True, split=(50, 25, 25), options=options)
    card = yaml.safe_load((dataset.root / "dataset.yaml").read_text())
    assert card["options"] == {
        "invert": True,
        "case_regex": CASE,
        "split": [50, 25, 25],
        "polarity": "dark-on-light",
        "ignore": ["nucleus"],
    }
    plain = run(grow("a"), tmp_path, "plain")
    assert "options" not in (plain.root / "dataset.yaml").read_text()


def test_an_update_is_made_as_the_set_was_made(tmp_path, grow):
    first = run(grow("a", "b"), tmp_path, case_regex=CASE, invert=True, split=(0, 1, 0), stain="r-band", licence="CC0")
    second = run(grow("c"), tmp_path, update=True)
    assert second.card == first.card and second.card.polarity == "light-on-dark"
    assert {case: split for case, (_, split) in cases_of(second).items()} == dict.fromkeys("abc", "val")


def test_an_update_moves_no_case_whatever_is_said_of_new_ones(tmp_path, grow):
    first = cases_of(run(grow("a", "b"), tmp_path, case_regex=CASE))
    after = cases_of(run(grow("c", "d"), tmp_path, update=True, split=(0, 0, 1)))
    assert {case: after[case] for case in first} == first
    assert after["c"] == after["d"] == ("", "test")
    with pytest.raises(DataError, match=r"--splits moves 1 cases, c from test first"):
        run(grow("e"), tmp_path, update=True, splits=listed(tmp_path / "l.csv", c="val"))


def test_a_new_picture_of_an_old_metaphase_joins_its_case(tmp_path, grow):
    src = grow("b", "d")
    first = cases_of(run(src, tmp_path, case_regex=CASE, splits=listed(tmp_path / "l.csv", d="test")))
    shutil.copy(src / "cell_d.png", src / "cell_a.png")
    after = cases_of(run(src, tmp_path, update=True))
    assert first["d"] == ("", "test") and after["d"] == after["a"] == ("d", "test")


def test_an_update_without_the_old_pictures_is_refused_and_nothing_lost(tmp_path, grow, save):
    dataset = run(grow("a", "b"), tmp_path, case_regex=CASE)
    before = folder_md5(dataset.root)
    save(tmp_path / "new/cell_c.png", down=50)
    with pytest.raises(
        DataError, match="none of the 2 pictures of cells in the source; expected the whole next version"
    ):
        run(tmp_path / "new", tmp_path, update=True)
    with pytest.raises(DataError, match="an update of cells in format labelme; expected singles"):
        import_dataset("labelme", tmp_path / "src", "cells", data_root=tmp_path / "data", update=True)
    with pytest.raises(DataError, match="--case-regex '\\(x\\)' for the next version of cells"):
        run(grow("a"), tmp_path, update=True, case_regex="(x)")
    with pytest.raises(DataError, match="a source that is light-on-dark; expected dark-on-light, as cells is"):
        run(grow("a"), tmp_path, update=True, invert=True)
    assert folder_md5(dataset.root) == before


def test_a_full_disk_during_an_update_leaves_the_old_version(tmp_path, grow, monkeypatch):
    dataset = run(grow("a", "b"), tmp_path, case_regex=CASE)
    before = folder_md5(dataset.root)

    def full(*_):
        raise OSError(28, "No space left on device")

    grow("c")
    monkeypatch.setattr("chromseg.annotations.dataset.shutil.copyfile", full)
    with pytest.raises(OutputError, match="No space left on device"):
        run(tmp_path / "src", tmp_path, update=True)
    assert folder_md5(dataset.root) == before and [p.name for p in (tmp_path / "data").iterdir()] == ["cells"]


def test_there_is_no_update_of_nothing(tmp_path, grow):
    with pytest.raises(DataError, match=r"dataset\.yaml; expected an imported dataset"):
        run(grow("a"), tmp_path, update=True)


def test_a_split_of_the_source_gives_way_to_the_one_that_stands(tmp_path, save):
    for place, name in enumerate(("train/a", "test/b")):
        save(tmp_path / f"src/{name}.png", down=12 + 30 * place)
    run(tmp_path / "src", tmp_path)
    data = tmp_path / "src/test/b.png"
    shutil.move(data, tmp_path / "src/train/b.png")
    save(tmp_path / "src/val/c.png", np.flipud(np.tri(60, 80, 10) * 100 + 50).astype(np.uint8)[:, ::-1])
    after = run(tmp_path / "src", tmp_path, update=True)
    assert {image.case_id: image.split for image in after.images} == {"a": "train", "b": "test", "c": "val"}


def test_an_update_keeps_cases_although_two_other_sets_hold_their_pictures(tmp_path, save):
    """Corrections of two days, imported as two sets, say of their pictures what this set says."""
    for place, name in enumerate(("case1/x", "case1/y", "case2/z")):
        save(tmp_path / f"src/{name}.png", down=10 + 22 * place)
    (tmp_path / "src/case2/z.png").rename(tmp_path / "z.png")
    run(tmp_path / "src", tmp_path)
    for day, name in (("one", "x"), ("two", "y")):
        (tmp_path / day / "case1").mkdir(parents=True)
        shutil.copy(tmp_path / f"src/case1/{name}.png", tmp_path / f"{day}/case1/{name}.png")
        run(tmp_path / day, tmp_path, day)
    shutil.copy(tmp_path / "z.png", tmp_path / "src/case2/z.png")
    after = run(tmp_path / "src", tmp_path, update=True)
    assert [image.case_id for image in after.images] == ["case1", "case1", "case2"]
