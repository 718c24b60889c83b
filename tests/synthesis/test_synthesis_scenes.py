"""Single chromosomes out of boxes, and metaphases laid of them: the truth is known, since all was drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from chromseg.annotations import Dataset, load_boxes, load_image, load_masks, read_dataset
from chromseg.errors import DataError
from chromseg.synthesis import synthesize_dataset
from chromseg.synthesis.box_singles import MARGIN, box_singles
from chromseg.synthesis.scenes import lay_scenes, place_of


@pytest.fixture(scope="module", params=["dark-on-light", "light-on-dark"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two metaphases of one case, some chromosomes touching and crossing."""
    root = tmp_path_factory.mktemp("data")
    return synthesize_dataset(root, "drawn", count=2, seed=3, polarity=request.param, crossings=2, touching=2)


def boxed(dataset: Dataset) -> Dataset:
    """The same as an annotator of boxes would have left it."""
    left, top, right, bottom = MARGIN
    grown = (-left, -top, left + right, top + bottom)
    return replace(
        dataset,
        instances=tuple(
            replace(each, segmentation=[], bbox=tuple(a + b for a, b in zip(each.bbox, grown, strict=True)))
            for each in dataset.instances
        ),
    )


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_boxes_that_hold_one_chromosome_give_its_outline_and_no_others(drawn: Dataset) -> None:
    image = drawn.images[0]
    masks = load_masks(drawn, image)
    found = box_singles(load_image(drawn, image), load_boxes(boxed(drawn), image)[0]).outlines
    shared = masks & (masks.sum(axis=0) > 1)
    crossing = set(np.flatnonzero(shared.any(axis=(1, 2))))
    assert len(found) >= 25 and not crossing & found.keys(), "of 46"
    assert np.median([iou(found[index], masks[index]) for index in found]) > 0.85


def test_no_boxes_no_singles() -> None:
    assert box_singles(np.ones((20, 30), dtype=np.float32), np.zeros((0, 4), dtype=np.float32)).outlines == {}
    blank = box_singles(np.zeros((20, 30), dtype=np.float32), np.array([[2, 2, 9, 9]], dtype=np.float32))
    assert blank.outlines == {} and not blank.dark.any()


@pytest.mark.parametrize("change", [lambda data: data, boxed], ids=["masks", "boxes"])
def test_a_scene_shows_chromosomes_where_its_masks_are_and_ground_elsewhere(drawn: Dataset, change) -> None:
    source = change(drawn)
    place = place_of(source, drawn.images[0])
    scene = next(lay_scenes(source, 1, seed=1))
    assert len(scene.masks) == 46 and scene.masks.any(axis=(1, 2)).all()
    shown = scene.image.astype(float) - place.ground
    bright = drawn.card.polarity == "light-on-dark"
    signal = shown if bright else -shown
    union = scene.masks.any(axis=0)
    assert np.median(signal[union]) > 20 and abs(np.median(signal[~union])) < 2
    real = place.boxes.mean(axis=0)
    rows, cols = np.nonzero(union)
    assert abs(cols.mean() - real[[0, 2]].mean()) < 40 and abs(rows.mean() - real[[1, 3]].mean()) < 40


def test_ground_keeps_what_is_no_chromosome(drawn: Dataset) -> None:
    image = drawn.images[0]
    place = place_of(drawn, image)
    far = ~load_masks(drawn, image).any(axis=0)
    grey = load_image(drawn, image)
    assert grey[~far].mean() > 3 * grey[far].mean(), "there were chromosomes"
    changed = np.abs(place.ground - next(lay_scenes(drawn, 1, seed=1)).image) > 0.51
    assert changed.mean() < 0.2, "pixels without a chromosome are those of the real picture"


def test_scenes_of_one_seed_are_the_same_however_many(drawn: Dataset) -> None:
    alone = next(lay_scenes(drawn, 1, seed=5))
    among = next(lay_scenes(drawn, 4, seed=5))
    assert np.array_equal(alone.image, among.image) and np.array_equal(alone.masks, among.masks)
    assert len(list(islice(lay_scenes(drawn, 4, seed=5), 5))) == 4


def test_the_set_keeps_case_split_classes_and_polarity(drawn: Dataset, tmp_path: Path) -> None:
    made = synthesize_dataset(tmp_path, "laid", count=2, seed=1, scenes=drawn.root)
    again = read_dataset(tmp_path / "laid")
    assert again.card.polarity == drawn.card.polarity and again.categories == drawn.categories
    assert [(i.case_id, i.split) for i in made.images] == [(i.case_id, i.split) for i in drawn.images]


def test_a_set_without_single_chromosomes_is_refused(drawn: Dataset) -> None:
    with pytest.raises(DataError, match="no case with 8 chromosomes that lie alone"):
        next(lay_scenes(replace(drawn, instances=drawn.instances[:4]), 1, seed=0))


def test_clusters_and_scenes_at_once_are_refused(drawn: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="both clusters and scenes"):
        synthesize_dataset(tmp_path, "laid", count=1, seed=0, singles=drawn.root, scenes=drawn.root)
