"""Models are judged on pictures as a user has them: files of any size, in their own pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_cells import drawn_cell, threshold_predictor

from benchmarks.families import beside, judge, pages, summary
from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, encode_rle, write_dataset


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Three test pictures of one drawn cell; in the second the annotator has drawn only one chromosome."""
    grey, masks = drawn_cell()
    card = DatasetCard("cells", "g-band", "dark-on-light", "drawn", "CC0", "none", "test", "1")
    images = tuple(ImageRecord(number, f"{number}.png", 200, 200, str(number), "test") for number in (1, 2, 3))
    instances = tuple(
        InstanceRecord(10 * image.id + index, image.id, 1, encode_rle(mask), (0.0, 0.0, 1.0, 1.0), float(mask.sum()))
        for image in images
        for index, mask in enumerate(masks[:1] if image.id == 2 else masks)
    )
    write_dataset(
        Dataset(tmp_path / "cells", card, images, instances, {1: "chromosome"}), dict.fromkeys((1, 2, 3), grey)
    )
    return tmp_path / "cells"


def test_the_result_is_compared_with_what_the_annotator_drew(cells: Path) -> None:
    judged = [judge(threshold_predictor(), page) for page in pages(cells, "test")]
    assert [score.recovered.tolist() for score, _, _ in judged] == [[True] * 4, [True], [True] * 4]
    assert [score.edits for score, _, _ in judged] == [0, 3, 0], "three that nobody drew"
    shown = summary(*zip(*judged, strict=True))
    assert shown["n"] == {"images": 3, "chromosomes": 9, "crossing": 4, "recovered": 4}
    assert shown["edits"][0] == 1.0 and shown["count_mae"] == 1.0 and shown["recovered_80"][0] == 1.0


def test_two_models_are_compared_picture_by_picture(cells: Path) -> None:
    scores = [judge(threshold_predictor(), page)[0] for page in pages(cells, "test")]
    worse = [replace(score, recovered=np.zeros_like(score.recovered)) for score in scores]
    assert beside(scores, scores) == {"edits": [0.0, 0.0, 0.0], "found": [0.0, 0.0, 0.0]}
    assert beside(scores, worse)["found"] == [3.0, 1.0, 4.0], "4, 1 and 4 more, over cases drawn again"


def test_a_limit_takes_pictures_evenly_spread(cells: Path) -> None:
    assert [page.image.id for page in pages(cells, "test", 2)] == [1, 2]
    assert [page.image.id for page in pages(cells, "test", 5)] == [1, 2, 3]
    assert list(pages(cells, "val")) == []
