"""Rules between pictures hold across all datasets that are used together, whatever files and cases are called."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_dataset import Draft, clean_draft

from chromseg.annotations.collection import collect
from chromseg.annotations.dataset import read_dataset
from chromseg.errors import DataError
from chromseg.validation import Failure, validate_datasets


def second_set(root: Path, pixels: np.ndarray, split: str, suffix: str = ".png") -> Path:
    """A set of one picture, with names and cases of its own."""
    draft = clean_draft()
    name = f"seen again{suffix}"
    image = replace(draft.images[0], file_name=name, case_id="somebody", split=split)
    owned = [instance for instance in draft.instances if instance.image_id == image.id]
    card = replace(draft.card, name=root.name)
    return Draft(card, [image], owned, draft.categories, {image.id: pixels}).write(root)


def failures(*roots: Path) -> dict[str, list[Failure]]:
    reports = validate_datasets(roots, light=True)
    return {report.name: [each for each in report.failures if each.rule != "all-splits"] for report in reports}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return clean_draft().write(tmp_path / "lab")


def test_a_test_picture_of_one_set_must_not_train_in_another(first: Path, tmp_path: Path) -> None:
    """The fault as it was met: corrected test pictures had become training pictures."""
    dataset = read_dataset(first)
    tested = dataset.in_split("test")[0]
    fixes = second_set(tmp_path / "fixes", clean_draft().pixels[tested.id], "train")
    found = failures(first, fixes)
    assert found["lab"] == []
    (failure,) = found["fixes"]
    assert (failure.rule, failure.file, failure.severity) == ("no-copy-in-other-split", "seen again.png", "critical")
    assert failure.value == f"lab/{tested.file_name} (test, case {tested.case_id})"
    assert failures(first)["lab"] == failures(fixes)["fixes"] == [], "each by itself is sound"


@pytest.mark.parametrize("suffix", [".tif", ".bmp", ".png"])
def test_the_file_format_does_not_hide_a_picture(suffix: str, first: Path, tmp_path: Path) -> None:
    pixels = clean_draft().pixels[1]
    stored = pixels.astype(np.uint16) * 257 if suffix == ".png" else pixels
    (failure,) = failures(first, second_set(tmp_path / "fixes", stored, "test", suffix))["fixes"]
    assert failure.rule == "no-copy-in-other-split"


def test_the_same_picture_in_the_same_split_counts_once(first: Path, tmp_path: Path) -> None:
    split = clean_draft().images[0].split
    (failure,) = failures(first, second_set(tmp_path / "fixes", clean_draft().pixels[1], split))["fixes"]
    assert (failure.rule, failure.severity) == ("counts-once", "warning")
    assert str(failure.value).startswith("lab/1.png")


@pytest.mark.parametrize("change", ["exposure", "polarity"])
def test_a_look_alike_in_another_split_is_an_error(change: str, first: Path, tmp_path: Path) -> None:
    pixels = clean_draft().pixels[1]
    shown = (pixels * 0.8 + 20).astype(np.uint8) if change == "exposure" else 255 - pixels
    fixes = second_set(tmp_path / "fixes", shown, "test")
    (failure,) = [each for each in failures(first, fixes)["fixes"] if each.rule != "polarity-as-declared"]
    assert (failure.rule, failure.severity) == ("no-look-alike-in-other-split", "critical")
    assert failure.value == "lab/1.png (train, case case1)"


def test_equal_case_numbers_of_two_sets_are_two_cases(first: Path, tmp_path: Path) -> None:
    other = clean_draft()
    images = [replace(image, split="train") for image in other.images]
    pixels = {number: np.rot90(grey).copy() for number, grey in other.pixels.items()}
    root = replace(other, images=images, instances=[], pixels=pixels, card=replace(other.card, name="other"))
    rules = {each.rule for each in failures(first, root.write(tmp_path / "other"))["other"]}
    assert "case-in-one-split" not in rules


def test_a_case_of_a_laid_set_is_the_case_it_was_laid_of(first: Path, tmp_path: Path) -> None:
    def laid(name: str, split: str) -> Path:
        pixels = np.rot90(clean_draft().pixels[4]).copy()
        root = second_set(tmp_path / name, pixels, split)
        coco = json.loads((root / "annotations.json").read_text())
        coco["images"][0]["case_id"] = "case1"
        (root / "annotations.json").write_text(json.dumps(coco))
        card = (root / "dataset.yaml").read_text()
        (root / "dataset.yaml").write_text(f"{card}options:\n  laid_from: drawn\n")
        return root

    (failure,) = [each for each in failures(first, laid("wrong", "test"))["wrong"] if each.rule == "case-in-one-split"]
    assert failure.value == "lab/1.png (train, case case1)"
    with pytest.raises(
        DataError, match=r"wrong/seen again.png \(test, case drawn/case1\) shows the case of drawn/1.png"
    ):
        collect([read_dataset(first), read_dataset(tmp_path / "wrong")])
    right = failures(first, laid("right", "train"))["right"]
    assert "case-in-one-split" not in {each.rule for each in right}


def test_a_set_that_cannot_be_read_fails_alone(first: Path, tmp_path: Path) -> None:
    broken = second_set(tmp_path / "fixes", clean_draft().pixels[1], "train")
    (broken / "annotations.json").write_text("{}")
    found = failures(broken, first)
    assert [each.rule for each in found["fixes"]] == ["contract-kept"]
    assert found["lab"] == []
