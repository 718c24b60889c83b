"""Which slice a drawn cluster falls into, and what is counted there."""

from __future__ import annotations

import numpy as np
import pytest

from chromseg.arrays import Bool
from chromseg.metrics import CutoutScore, score_instances, slice_labels, stain_slices, summarize_slices


def _bars(*boxes: tuple[int, int, int, int]) -> Bool:
    masks = np.zeros((len(boxes), 96, 96), dtype=bool)
    for mask, (top, bottom, left, right) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    return masks


UPRIGHT = (10, 80, 40, 50)


@pytest.mark.parametrize(
    ("masks", "crossing", "chromosomes"),
    [
        (_bars(UPRIGHT, (40, 50, 10, 80)), "X", "2"),
        (_bars(UPRIGHT, (40, 50, 38, 80)), "T", "2"),
        (_bars(UPRIGHT, (10, 20, 40, 80)), "L", "2"),
        (_bars(UPRIGHT, (20, 30, 10, 80), (60, 70, 10, 80)), "several", "3"),
        (_bars(UPRIGHT, (40, 50, 10, 80), (60, 76, 50, 60)), "touching", "3"),
        (_bars(UPRIGHT, (2, 92, 70, 80)), "none", "2"),
        (_bars(UPRIGHT, (40, 50, 10, 80), (60, 70, 10, 80), (20, 30, 10, 80)), "several", "4-or-more"),
    ],
)
def test_labels_of_drawn_clusters(masks: Bool, crossing: str, chromosomes: str) -> None:
    assert slice_labels(masks, "g-band") == {"stain": "g-band", "crossing": crossing, "chromosomes": chromosomes}


def test_without_instances_only_the_stain_is_known() -> None:
    assert slice_labels(None, "q-band") == {"stain": "q-band"}


def test_each_slice_has_its_own_figures() -> None:
    def score(good: bool) -> CutoutScore:
        return CutoutScore("a", "case", 0.75 if good else 0.25, 1.0, good, splice=1.0)

    labels = [{"stain": "g-band", "crossing": form} for form in ("X", "X", "T")]
    found = summarize_slices([score(True), score(True), score(False)], labels)
    assert found["test/slice/crossing/X/overall_acc"] == 1.0
    assert found["test/slice/crossing/T/overall_acc"] == 0.0
    assert found["test/slice/crossing/T/iou_crossing"] == 0.25
    assert found["test/slice/stain/g-band/overlap_acc"] == pytest.approx(2 / 3)
    assert [found[f"test/slice/{name}/n_images"] for name in ("crossing/X", "crossing/T", "stain/g-band")] == [2, 1, 3]
    assert summarize_slices([], []) == {}


def test_whole_images_are_scored_stain_by_stain() -> None:
    good = np.zeros((1, 20, 20), dtype=bool)
    good[0, 5:10, 5:10] = True
    right = score_instances("a", "q/1", good, np.ones(1), good)
    missed = score_instances("b", "g/1", good[:0], np.ones(0), good)
    found = stain_slices([right, missed, right], ["q-band", "g-band", "q-band"])
    assert found["test/slice/stain/q-band/recovered_80"] == 1.0
    assert found["test/slice/stain/g-band/recovered_80"] == 0.0
    assert found["test/slice/stain/q-band/edits"] == 0.0
    assert found["test/slice/stain/g-band/edits"] == 1.0
    assert stain_slices([], []) == {}
