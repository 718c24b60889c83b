"""A picture that stands in another dataset keeps its case and split there, whatever file it comes in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, read_dataset, write_dataset
from chromseg.errors import DataError
from chromseg.importers import import_dataset

SIDE = 40
OUTLINE = [5.0, 5.0, 15.0, 5.0, 15.0, 30.0, 5.0, 30.0]


def picture(seed: int) -> np.ndarray:
    grey = np.random.default_rng(seed).integers(190, 255, (SIDE, SIDE)).astype(np.uint8)
    grey[6:30, 6:15] = 60
    return grey


def stand(data: Path, name: str, *placed: tuple[int, str, str], group: str = "") -> Dataset:
    """data/name: a picture for each (seed, case, split)."""
    card = DatasetCard(name, "g-band", "dark-on-light", "drawn", "MIT", "none", "test", "1")
    images = tuple(
        ImageRecord(number, f"{number}.png", SIDE, SIDE, case, split, group)
        for number, (_, case, split) in enumerate(placed, start=1)
    )
    owned = tuple(InstanceRecord(i.id, i.id, 1, [OUTLINE], (5.0, 5.0, 10.0, 25.0), 250.0) for i in images)
    dataset = Dataset(data / name, card, images, owned, {1: "chromosome"})
    write_dataset(dataset, {image.id: picture(seed) for image, (seed, _, _) in zip(images, placed, strict=True)})
    return dataset


def corrections(folder: Path, *files: tuple[str, int], **fields: str) -> Path:
    """A folder as `serve --corrections` leaves it: a COCO file beside each picture."""
    folder.mkdir()
    for file, seed in files:
        Image.fromarray(picture(seed)).save(folder / file)
        image = {"id": 1, "file_name": file, "width": SIDE, "height": SIDE} | fields
        annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [OUTLINE], "bbox": [5, 5, 10, 25]}
        content = {"images": [image], "annotations": [annotation], "categories": [{"id": 1, "name": "chromosome"}]}
        (folder / file).with_suffix(".json").write_text(json.dumps(content))
    return folder


def imported(src: Path, data: Path, **settings: object) -> tuple[list[tuple[str, str]], str]:
    told: list[str] = []
    dataset = import_dataset("coco", src, "fixes", data_root=data, tell=told.append, **settings)  # type: ignore[arg-type]
    return [(image.case_id, image.split) for image in read_dataset(dataset.root).images], "\n".join(told)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_correction_takes_over_case_and_split(suffix: str, split: str, data: Path, tmp_path: Path) -> None:
    stand(data, "lab", (1, "12", split), (2, "13", "train"))
    found, told = imported(corrections(tmp_path / "kept", (f"9f86d081{suffix}", 1)), data)
    assert found == [("12", split)]
    assert "1 of 1 pictures stand in data/lab: they keep case and split" in told


def test_what_the_source_says_of_a_known_picture_does_not_count(data: Path, tmp_path: Path) -> None:
    stand(data, "lab", (1, "12", "test"))
    src = corrections(tmp_path / "kept", ("a.png", 1), case_id="typed by a reviewer", split="train")
    assert imported(src, data)[0] == [("12", "test")]


def test_new_pictures_go_their_own_way_but_with_their_case(data: Path, tmp_path: Path) -> None:
    stand(data, "lab", (1, "12", "test"))
    alone = corrections(tmp_path / "alone", ("b.png", 5), case_id="new")
    split = imported(alone, tmp_path / "elsewhere")[0][0][1]
    src = corrections(tmp_path / "kept", ("a.png", 1))
    corrections(src / "more", ("b.png", 5), case_id="new")
    corrections(src / "of the same case", ("c.png", 6), case_id="12")
    found, _ = imported(src, data)
    assert sorted(found) == [("12", "test"), ("12", "test"), ("new", split)]


def test_equal_case_numbers_of_two_datasets_stay_apart(data: Path, tmp_path: Path) -> None:
    stand(data, "lab", (1, "12", "test"))
    stand(data, "other", (2, "12", "train"))
    found, _ = imported(corrections(tmp_path / "kept", ("a.png", 1), ("b.png", 2)), data)
    assert sorted(found) == [("lab/12", "test"), ("other/12", "train")]


def test_a_group_is_taken_over_too(data: Path, tmp_path: Path) -> None:
    stand(data, "lab", (1, "109", "val"), group="3")
    imported(corrections(tmp_path / "kept", ("a.png", 1)), data)
    (image,) = read_dataset(data / "fixes").images
    assert (image.case_id, image.group, image.split) == ("109", "3", "val")


def test_shares_of_the_user_do_as_they_say(data: Path, tmp_path: Path) -> None:
    stand(data, "lab", (1, "12", "test"))
    src = corrections(tmp_path / "kept", ("a.png", 1))
    assert imported(src, data, split=(1.0, 0.0, 0.0))[0] == [("12", "train")]


def test_a_picture_in_two_splits_cannot_be_taken_over(data: Path, tmp_path: Path) -> None:
    stand(data, "lab", (1, "12", "test"))
    stand(data, "wrong", (1, "x", "train"))
    with pytest.raises(DataError, match=r"lab/1.png \(test, case 12\) and wrong/1.png \(train, case x\) are the same"):
        imported(corrections(tmp_path / "kept", ("a.png", 1)), data)
    assert not (data / "fixes").exists()
    assert imported(tmp_path / "kept", data, split=(0.0, 0.0, 1.0))[0] == [("12", "test")]


def test_what_cannot_be_searched_is_told(data: Path, tmp_path: Path) -> None:
    lab = stand(data, "lab", (1, "12", "test"))
    stand(data, "other", (1, "7", "test"))
    (lab.root / "images" / "1.png").write_text("no picture")
    (data / "broken").mkdir()
    (data / "broken" / "dataset.yaml").write_text("name: broken\n")
    found, told = imported(corrections(tmp_path / "kept", ("a.png", 1)), data)
    assert found == [("7", "test")] and "not searched for the same pictures: " in told
