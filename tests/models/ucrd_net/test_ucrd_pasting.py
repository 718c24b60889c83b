"""Masks into boxes and back into the picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_detector import BARS, scene

from chromseg.models.ucrd_net import paste_masks
from chromseg.models.ucrd_net.mask_head import mask_loss, mask_targets
from chromseg.models.ucrd_net.mask_scoring import mask_iou_targets


def test_a_full_mask_fills_its_box() -> None:
    pasted = paste_masks(torch.ones(1, 28, 28), torch.tensor([[3.0, 5, 17, 9]]), (20, 30))
    expected = torch.zeros(1, 20, 30, dtype=torch.bool)
    expected[0, 5:9, 3:17] = True
    assert torch.equal(pasted, expected)


def test_half_a_mask_fills_half_its_box() -> None:
    mask = torch.zeros(1, 28, 28)
    mask[:, :, :14] = 1
    pasted = paste_masks(mask, torch.tensor([[2.0, 2, 12, 6]]), (10, 20))
    assert pasted[0, 2:6, 2:7].all()
    assert pasted.sum() == 20


@pytest.mark.parametrize("box", [[-5.0, -5, 4, 3], [17.0, 8, 40, 30], [50.0, 50, 60, 60], [5.0, 5, 5, 9], [5, 9, 4, 2]])
def test_what_lies_outside_is_cut_off(box: list[float]) -> None:
    left, top, right, bottom = box
    pasted = paste_masks(torch.ones(1, 28, 28), torch.tensor([box]), (10, 20))
    rows, columns = (max(0, min(n, b) - max(0, a)) for n, a, b in ((10, top, bottom), (20, left, right)))
    assert pasted.sum() == rows * columns


def test_no_mask_at_all() -> None:
    assert paste_masks(torch.zeros(0, 28, 28), torch.zeros(0, 4), (7, 9)).shape == (0, 7, 9)


def test_there_and_back_keeps_the_outline() -> None:
    """Slanted shapes through loose boxes of fractional corners: IoU as the resolution of 28×28 allows."""
    row, col = np.mgrid[:60, :80]
    planes = [abs((row - 30) * 0.6 - (col - 40) * 0.8) < 5, (row - 25) ** 2 + (col - 50) ** 2 < 200]
    masks = torch.from_numpy(np.stack(planes))
    masks[0, :10] = masks[0, 52:] = False
    boxes = torch.tensor([[13.3, 8.6, 67.4, 53.2], [34.8, 9.7, 65.1, 40.2]])
    pasted = paste_masks(mask_targets(masks, boxes, torch.tensor([0, 1])), boxes, (60, 80))
    iou = (pasted & masks).sum(dim=(1, 2)) / (pasted | masks).sum(dim=(1, 2))
    assert iou.min() > 0.93


def test_targets_follow_the_match() -> None:
    _, target = scene(48, 57, BARS)
    assert target.masks is not None
    boxes = target.boxes[[2, 0, 2]]
    grids = mask_targets(target.masks, boxes, torch.tensor([2, 0, 2]))
    torch.testing.assert_close(grids[:, 2:-2, 4:-4], torch.ones(3, 24, 20))  # edges are shared with the ground
    beside = mask_targets(target.masks, boxes[:1], torch.tensor([0]))
    assert beside.max() == 0


def test_eq_14_by_hand() -> None:
    logits = torch.full((1, 28, 28), np.log(4.0))  # probability 0.8
    targets = torch.zeros(1, 28, 28)
    targets[:, :7] = 1
    expected = -(0.25 * np.log(0.8) + 0.75 * np.log(0.2))
    assert mask_loss(logits, targets).item() == pytest.approx(expected, rel=1e-5)
    assert mask_loss(torch.zeros(0, 28, 28), torch.zeros(0, 28, 28)) == 0


def test_mask_iou_counts_what_lies_outside_the_box() -> None:
    """A mask of 200 px seen through a box of 10×10 px that holds half of it; the prediction fills the box."""
    boxes, areas = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([200.0])
    iou = mask_iou_targets(torch.ones(1, 28, 28), torch.ones(1, 28, 28), areas, boxes)
    assert iou.item() == pytest.approx(100 / 200)
    nothing = mask_iou_targets(-torch.ones(1, 28, 28), torch.ones(1, 28, 28), areas, boxes)
    assert nothing.item() == 0
