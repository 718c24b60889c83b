"""Non-maximum suppression: duplicates go, and a chromosome that crosses another stays."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tiny_detector import TINY
from torchvision.ops import box_iou

from chromseg.models.ucrd_net.detection import ScoredBoxes, mask_nms, soft_nms, suppress

# A cross of two slanted bars: nearly equal boxes, masks that hardly meet. And a shifted copy of the first.
CROSS = torch.tensor([[0.0, 0, 40, 40], [3.0, 2, 42, 41], [1.0, 1, 41, 41]])
SCORES = torch.tensor([0.9, 0.8, 0.7])


def diagonal(falling: bool) -> torch.Tensor:
    place = torch.arange(28)
    distance = (place[:, None] - place[None]).abs() if falling else (place[:, None] + place[None] - 27).abs()
    return (distance <= 3).float()


MASKS = torch.stack([diagonal(True), diagonal(False), diagonal(True)])


def found(scores: torch.Tensor = SCORES) -> ScoredBoxes:
    return ScoredBoxes(CROSS, torch.ones(3, dtype=torch.int64), scores, scores, None)


def test_by_box_a_crossing_chromosome_is_lost() -> None:
    """The fault that the other two mend (Fig. 4)."""
    assert box_iou(CROSS, CROSS).min() > 0.75
    assert len(suppress(found(), TINY).boxes) == 1


def test_by_mask_it_survives_and_the_duplicate_does_not() -> None:
    assert mask_nms(MASKS, CROSS, SCORES, 0.5).tolist() == [0, 1]
    assert mask_nms(MASKS, CROSS, SCORES.flip(0), 0.5).tolist() == [2, 1]


def test_softly_it_survives_with_a_lower_score() -> None:
    kept, factors = soft_nms(CROSS, SCORES, SCORES, 0.01)
    ious = box_iou(CROSS, CROSS)
    second = math.exp(-(ious[0, 1].item() ** 2) / 0.5)
    assert kept.tolist()[:2] == [0, 1]
    assert factors[0].item() == 1
    assert factors[1].item() == pytest.approx(second, rel=1e-4)
    assert factors[2].item() == pytest.approx(math.exp(-(ious[0, 2] ** 2 + ious[1, 2] ** 2).item() / 0.5), rel=1e-4)
    lowered = suppress(found(), dataclasses.replace(TINY, nms="soft", score_min=0.15))
    assert lowered.class_scores.tolist() == pytest.approx([0.9, 0.8 * second], rel=1e-4)  # the third fell below


def test_before_masks_are_known_only_equal_boxes_go() -> None:
    config = dataclasses.replace(TINY, nms="mask")
    boxes = torch.tensor([[0.0, 0, 40, 40], [3.0, 2, 42, 41], [0.5, 0, 40, 40]])
    assert suppress(found()._replace(boxes=boxes), config).scores.tolist() == pytest.approx([0.9, 0.8])


@pytest.mark.parametrize("nms", ["box", "soft", "mask"])
def test_none_at_all_and_a_limit(nms: str) -> None:
    nothing = ScoredBoxes(torch.zeros(0, 4), torch.zeros(0).long(), torch.zeros(0), torch.zeros(0), None)
    assert len(suppress(nothing, dataclasses.replace(TINY, nms=nms)).boxes) == 0  # type: ignore[arg-type]
    apart = found()._replace(boxes=CROSS + 100 * torch.arange(3.0)[:, None])
    kept = suppress(apart, dataclasses.replace(TINY, nms=nms, detections=1))  # type: ignore[arg-type]
    assert kept.scores.tolist() == pytest.approx([0.9, 0.8] if nms == "mask" else [0.9])  # masks judge some spare ones
    assert mask_nms(torch.zeros(0, 28, 28), torch.zeros(0, 4), torch.zeros(0), 0.5).tolist() == []


def test_empty_masks_do_not_rival() -> None:
    assert mask_nms(torch.zeros(2, 28, 28), CROSS[:2], SCORES[:2], 0.5).tolist() == [0, 1]
