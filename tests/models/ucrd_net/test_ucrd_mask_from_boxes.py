"""Masks from boxes alone: both losses by hand, and masks that they draw."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tiny_detector import BARS, UCRD, scene, tiny
from torch import Tensor
from torch.nn import functional

from chromseg.models.ucrd_net import Target
from chromseg.models.ucrd_net.mask_from_boxes import extents_of, pairwise_loss, projection_loss, with_rim

FULL = torch.ones(1, 2, 28)
SURE = 20.0  # a logit
NAMES = {"mask_projection", "mask_pairs"}


def bar(width: float = 4.0) -> Tensor:
    """A dark bar along the diagonal of a box, bool (28, 28)."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    return (rows - columns).abs() <= width


def pictured(dark: float) -> Tensor:
    """The bar on light ground, and what lies around its box: float32 (1, 32, 32)."""
    return functional.pad(dark * bar()[None].float(), (2, 2, 2, 2))


def logits_of(mask: Tensor) -> Tensor:
    return (SURE * (2 * mask.float() - 1))[None]


def test_extents_are_the_share_of_each_row_and_column_that_the_true_box_covers() -> None:
    true, roi = torch.tensor([[10.0, 20, 24, 48]]), torch.tensor([[3.0, 20, 31, 48]])
    (columns, rows) = extents_of(true, roi)[0]
    assert columns.tolist() == [0.0] * 7 + [1.0] * 14 + [0.0] * 7 and rows.tolist() == [1.0] * 28
    (columns, _) = extents_of(true + torch.tensor([0.25, 0, 0.25, 0]), roi)[0]
    assert columns[7] == 0.75 and columns[21] == 0.25 and columns.sum() == 14


def test_projection_asks_that_a_mask_reaches_every_side_and_no_further() -> None:
    assert projection_loss(logits_of(bar()), FULL) == pytest.approx(0, abs=1e-4)
    short = bar() & (torch.arange(28) < 14)[:, None] & (torch.arange(28) < 14)
    assert projection_loss(logits_of(short), FULL) == pytest.approx(2 * (1 - 2 * 14 / (14 + 28)), abs=1e-3)
    half = FULL.clone()
    half[:, :, 14:] = 0
    assert projection_loss(logits_of(bar()), half) == pytest.approx(2 * (1 - 2 * 14 / (14 + 28)), abs=1e-3)


def test_the_rim_is_as_wide_as_neighbours_lie_apart() -> None:
    assert with_rim(torch.tensor([[0.0, 10, 28, 66]])).tolist() == [[-2, 6, 30, 70]]


def test_neighbours_that_look_alike_must_be_of_one_kind_and_others_need_not() -> None:
    alike, apart = torch.full((1, 32, 32), 0.5), pictured(0.5)
    assert pairwise_loss(logits_of(bar()), apart, FULL) == pytest.approx(0, abs=1e-4)
    assert pairwise_loss(logits_of(bar()), alike, FULL) > 1
    assert pairwise_loss(logits_of(bar(99)), apart, FULL) > 0.5, "ground in the box looks like that around it"
    assert pairwise_loss(logits_of(bar()), alike, torch.zeros(1, 2, 28)) == 0, "what lies off the box is nobody's"


def test_both_losses_together_draw_a_bar_from_its_box_where_neither_does_alone() -> None:
    absorbance = pictured(0.4)
    middle = bar() & ((torch.arange(28) - 13.5).abs() < 4)  # all that the mask head knows of it at first

    def drawn(projection: float, pairs: float) -> float:
        logits = (2 * middle[None].float() - 0.5).requires_grad_()
        optimizer = torch.optim.Adam([logits], lr=0.1)
        for _ in range(200):
            loss = projection * projection_loss(logits, FULL) + pairs * pairwise_loss(logits, absorbance, FULL)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found = logits.detach()[0] > 0
        return float((found & bar()).sum() / (found | bar()).sum())

    assert drawn(1, 1) > 0.6
    assert drawn(1, 0) < 0.45 and drawn(0, 1) < 0.45


def test_images_with_boxes_alone_train_the_mask_head_only_if_asked() -> None:
    image, target = scene(48, 57, BARS)
    alone = Target(target.boxes, target.labels)
    for weight in (0.0, 2.0):
        network = tiny(dataclasses.replace(UCRD, mask_from_boxes=weight))
        losses = network.forward_losses([image], [alone])
        assert (losses.keys() >= NAMES) == bool(weight)
        losses["loss"].backward()
        learned = [bool(each.grad.any()) for each in network.mask_head.parameters() if each.grad is not None]
        assert any(learned) == bool(weight) and len(learned) == len(list(network.mask_head.parameters()))


def test_images_with_masks_are_left_to_their_masks() -> None:
    image, target = scene(48, 57, BARS)
    network = tiny(dataclasses.replace(UCRD, mask_from_boxes=1.0))
    losses = network.forward_losses([image], [target])
    assert all(losses[name] == 0 for name in NAMES) and losses["mask"] > 0
    both = network.forward_losses([image, image], [target, Target(target.boxes, target.labels)])
    assert all(both[name] > 0 for name in NAMES)
