"""Two annotations of one metaphase: found in a set by themselves, moved onto one another, and compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.annotator_agreement import Twins, compare, found_by_mean_hand, moved, same_metaphases, summary
from chromseg.annotations import Dataset, DatasetCard, read_dataset, write_dataset
from chromseg.annotations.records import ImageRecord, InstanceRecord

BARS = [(30, 40), (30, 90), (60, 60), (62, 120), (90, 50), (95, 110), (120, 80), (125, 140)]  # row and col of corners
SIZE = (8, 30)
FIELD = (160, 200)
FIRST, SECOND = (12, 0), (0, 20)  # corners of the two pictures in the scene
SHIFT = (-12, 20)  # moves the second onto the first
FIRST_BAR = (BARS[0][0] - FIRST[0], BARS[0][1] - FIRST[1])  # where the first picture has it


@dataclass
class Model:
    """A model that finds what is bright: all of it in the first picture, thinner by `thinner` rows in the second."""

    least: float = 0.1
    thinner: int = 0

    def find(self, image: np.ndarray) -> SimpleNamespace:
        labels, count = ndimage.label(image > self.least)
        masks = np.array([labels == label for label in range(1, count + 1)], dtype=bool).reshape(-1, *image.shape)
        if self.thinner and not masks[0, FIRST_BAR].any():
            masks = masks & np.roll(masks, self.thinner, axis=1)
        return SimpleNamespace(masks=masks)


BLIND = Model(least=2.0)


def bar(row: float, col: float, grown: float = 0) -> list[float]:
    """An outline: x and y in turn."""
    top, left, bottom, right = row - grown, col - grown, row + SIZE[0] + grown, col + SIZE[1] + grown
    return [left, top, right, top, right, bottom, left, bottom]


def twice(root: Path, grown: float) -> Dataset:
    """One scene in two pictures, the outlines of the second larger; and a third picture of something else."""
    rng = np.random.default_rng(0)
    scene, other = np.zeros((180, 240), dtype=np.uint8), np.zeros(FIELD, dtype=np.uint8)
    for number, (row, col) in enumerate(BARS):
        scene[row : row + SIZE[0], col : col + SIZE[1]] = 90 + 20 * number
    other[rng.integers(0, 160, 30), rng.integers(0, 200, 30)] = 200
    pixels = {1: crop(scene, FIRST), 2: crop(scene, SECOND), 3: other}
    images = tuple(ImageRecord(key, f"{key}.png", FIELD[1], FIELD[0], str(key), "train") for key in pixels)
    outlines = [
        (key, bar(row - corner[0], col - corner[1], more))
        for key, corner, more in ((1, FIRST, 0.0), (2, SECOND, grown), (3, FIRST, 0.0))
        for row, col in BARS
    ]
    instances = tuple(
        InstanceRecord(number, key, 1, [outline], (0.0, 0.0, 1.0, 1.0), 1.0)
        for number, (key, outline) in enumerate(outlines, start=1)
    )
    card = DatasetCard("twice", "q-band", "light-on-dark", "drawn", "none", "none", "none", "0")
    write_dataset(Dataset(root / "twice", card, images, instances, {1: "chromosome"}), pixels)
    return read_dataset(root / "twice")


def crop(scene: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    return scene[corner[0] : corner[0] + FIELD[0], corner[1] : corner[1] + FIELD[1]]


def test_pictures_of_one_metaphase_find_each_other_and_how_they_lie(tmp_path: Path) -> None:
    ((first, second, shift, correlation),) = same_metaphases(twice(tmp_path, 0), 0.9)
    assert (first.id, second.id) == (1, 2)
    assert shift == pytest.approx(SHIFT, abs=0.05)
    assert correlation > 0.99


def compared(tmp_path: Path, grown: float, model: Model = BLIND) -> Twins:
    dataset = twice(tmp_path, grown)
    first, second, _ = dataset.images
    return compare(dataset, first, second, SHIFT, 1.0, model)


def test_equal_outlines_agree(tmp_path: Path) -> None:
    pair = compared(tmp_path, 0)
    assert (pair.drawn, pair.both, pair.agree, pair.mean_hand) == (8, 8, 8, 8)
    assert (pair.log_size, pair.model_both, pair.model_log_size) == (0, 0, 0)


def test_what_a_model_finds_in_both_pictures_is_compared_likewise(tmp_path: Path) -> None:
    pair = compared(tmp_path, 0, Model())
    assert (pair.model_both, pair.model_agree, pair.model_log_size) == (8, 8, 0)


def test_a_model_that_draws_the_second_picture_thinner_says_so(tmp_path: Path) -> None:
    pair = compared(tmp_path, 0, Model(thinner=2))
    assert (pair.model_both, pair.model_agree) == (8, 0)  # six rows of eight
    assert pair.model_log_size == pytest.approx(math.log(6 / 8), abs=5e-4)


def test_moving_by_half_a_pixel_keeps_areas() -> None:
    mask = np.zeros((1, 40, 60), dtype=bool)
    mask[0, 10:21, 10:45] = True
    for shift in ((0.5, 0.5), (-0.5, 0.5), (-2.5, 0.0), (3.0, -4.0)):
        assert moved(mask, shift).sum() == pytest.approx(11 * 35, abs=1)  # a corner may go; a border would be 11 or 35


def test_outlines_one_pixel_larger_disagree_and_the_mean_of_both_would_find_them(tmp_path: Path) -> None:
    pair = compared(tmp_path, 1)
    assert (pair.both, pair.agree) == (8, 0)  # IoU 8·30 / (10·32) = 0.75
    assert pair.mean_hand == 8  # ¾ px larger or smaller: 8·30 / (9.5·31.5) = 0.80, 8.5·30.5 / (10·32) = 0.81
    assert pair.log_size == pytest.approx(math.log(320 / 240), abs=5e-4)


def test_what_one_picture_cuts_off_does_not_count(tmp_path: Path) -> None:
    dataset = twice(tmp_path, 0)
    first, second, _ = dataset.images
    pair = compare(dataset, first, second, (SHIFT[0] + 40, SHIFT[1]), 1.0, BLIND)
    assert pair.drawn == 6  # of the first, two lie above the field of a picture moved down by 40 px


def test_two_pixels_are_too_far_for_the_mean_too() -> None:
    mask, other = (np.zeros((30, 60), dtype=bool) for _ in range(2))
    mask[10:18, 10:40], other[8:20, 8:42] = True, True
    assert found_by_mean_hand(mask, other) == 0  # 8·30 / (11·33) = 0.66, 9·31 / (12·34) = 0.68


def test_the_summary_counts_chromosomes_and_draws_cases() -> None:
    pairs = [
        Twins(("a", "b"), "1", 0.95, 12, 10, 9, 9.5, 0.3, 0, 0, 0.0),
        Twins(("c", "d"), "2", 0.95, 30, 30, 15, 24.0, -0.4, 20, 19, 0.1),
    ]
    report = summary(pairs)
    assert (report["drawn"], report["both"], report["cases"]) == (42, 40, 2)
    assert report["agree"] == {"all": 0.6, "interval": [0.5, 0.9], "mean_over_cases": 0.7}
    assert report["agree_of_drawn"]["all"] == pytest.approx(24 / 42, abs=5e-5)
    assert report["mean_hand"]["all"] == pytest.approx(33.5 / 40, abs=5e-5)
    assert report["log_size"] == {"all": 0.3536, "interval": [0.3, 0.4], "mean_over_cases": 0.35}
    assert report["model_agree"] == {"all": 0.95, "interval": [0.95, 0.95], "mean_over_cases": 0.95}
