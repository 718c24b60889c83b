"""Mask heads that know their box, what else lies in it, and the boxes that they train on."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tiny_detector import BARS, MASKS, TINY, scene, tiny
from torchvision.ops import box_iou

from chromseg.models.ucrd_net import Target
from chromseg.models.ucrd_net.box_head import BoxPrediction
from chromseg.models.ucrd_net.mask_boxes import choose_mask_boxes, crossing
from chromseg.models.ucrd_net.mask_layer import MaskLayer
from chromseg.models.ucrd_net.mask_place import with_coordinates
from chromseg.models.ucrd_net.mask_training import other_masks, union_loss
from chromseg.models.ucrd_net.sampling import Samples


def test_coordinates_run_from_edge_to_edge() -> None:
    seen = with_coordinates(torch.zeros(2, 1, 2, 4))
    assert seen.shape == (2, 3, 2, 4)
    assert seen[1, 1].tolist() == [[-0.75, -0.25, 0.25, 0.75]] * 2
    assert seen[0, 2].tolist() == [[-0.5] * 4, [0.5] * 4]


@pytest.mark.parametrize(
    ("head", "convolutions", "sees"), [("plain", 2, False), ("box-aware", 1, True), ("conditional", 1, True)]
)
def test_whether_a_cell_sees_the_far_corner_of_its_box(head: str, convolutions: int, sees: bool) -> None:
    config = dataclasses.replace(TINY, mask_head=head, mask_convolutions=convolutions)  # type: ignore[arg-type]
    torch.manual_seed(0)
    layer, x = MaskLayer(config, 8), torch.rand(1, 8, 14, 14)
    changed = x.clone()
    changed[..., 13, 13] += 5
    assert torch.equal(layer(x)[0][0, :4, :4], layer(changed)[0][0, :4, :4]) == (not sees)


def test_finer_features_reach_the_mask() -> None:
    layer = MaskLayer(dataclasses.replace(TINY, mask_detail=4), 8)
    x, detail = torch.rand(1, 8, 14, 14), torch.rand(1, 4, 28, 28)
    assert not torch.equal(layer(x, detail)[0], layer(x, detail + 1)[0])


def test_a_detail_of_one_pixel_lies_where_the_picture_has_it() -> None:
    """A pixel pair of the picture is one cell of the detail; in a box of 28 cells of two pixels it fills one."""
    from chromseg.models.ucrd_net.features import Features

    detail = torch.zeros(1, 1, 40, 40)
    detail[0, 0, 7, 9] = 1.0
    boxes = torch.tensor([[4.0, 2.0, 60.0, 58.0]])  # its cell [row 6, column 7] is that of the detail
    seen = Features([], detail).detail_of([boxes], 28)
    assert seen is not None
    assert divmod(int(seen.argmax()), 28) == (6, 7)


def test_the_others_of_each_chromosome() -> None:
    _, target = scene(48, 57, BARS)
    assert target.masks is not None
    masks = target.masks.bool()
    assert torch.equal(other_masks(target.masks)[1], masks[0] | masks[2])
    assert torch.equal(other_masks(masks), other_masks(target.masks))


def test_the_union_of_two_layers_by_another_formula() -> None:
    own, others, wanted = torch.randn(2, 3, 28, 28), torch.randn(2, 3, 28, 28), torch.rand(2, 3, 28, 28)
    both = 1 - (1 - own.sigmoid()) * (1 - others.sigmoid())
    torch.testing.assert_close(union_loss(own, others, wanted), torch.nn.functional.binary_cross_entropy(both, wanted))
    sure = torch.full((1, 28, 28), -90.0, requires_grad=True)
    union_loss(sure, sure, torch.ones(1, 28, 28)).backward()
    assert sure.grad is not None and sure.grad.isfinite().all()


def test_which_chromosomes_cross() -> None:
    _, target = scene(48, 57, BARS)
    assert target.masks is not None
    assert crossing(target.masks).tolist() == [False, True, True]
    assert crossing(target.masks[:1]).tolist() == [False]


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_refined_boxes_are_near_the_true_ones(scale: float) -> None:
    """A proposal that the box head would move onto its chromosome is moved; one that it would not is left out."""
    _, target = scene(48, 57, BARS)
    true = target.boxes * scale
    off = torch.stack([true[1] + 4 * scale, true[2] + torch.tensor([9.0, 0, 9, 0]) * scale])
    samples = Samples(off, torch.tensor([1, 1]), torch.tensor([1, 2]))
    sides = true[1, 2:] - true[1, :2]
    deltas = torch.zeros(2, 4)
    deltas[0, :2] = -4 * scale / sides * 10
    pred = BoxPrediction(torch.zeros(2, 2), deltas, None)
    config = dataclasses.replace(MASKS, mask_samples=100)
    size = (int(48 * scale), int(57 * scale))
    (chosen,) = choose_mask_boxes(config, [samples], pred, [true], [target], [size])
    own = box_iou(chosen.boxes, true)[torch.arange(len(chosen.boxes)), chosen.matched]
    assert (own >= 0.7).all() and own.min() < 0.95
    assert int((own > 0.999).sum()) == 1
    assert set(chosen.matched.tolist()) == {0, 1, 2}
    (plain,) = choose_mask_boxes(TINY, [samples], pred, [true], [target], [size])
    assert sorted(plain.matched.tolist()) == [1, 2]


def test_half_of_the_boxes_are_of_crossing_chromosomes() -> None:
    bars = [(x, y, x + 6, y + 6) for y in range(0, 90, 10) for x in range(0, 100, 10)] + [
        (2, 92, 60, 100),
        (20, 84, 30, 110),
    ]
    _, target = scene(120, 120, bars)
    labels, matched = torch.ones(len(bars), dtype=torch.int64), torch.arange(len(bars))
    samples = Samples(target.boxes, labels, matched)
    pred = BoxPrediction(torch.zeros(len(bars), 2), torch.zeros(len(bars), 4), None)
    for first, least in ((True, 2), (False, 0)):
        config = dataclasses.replace(TINY, mask_samples=4, crossing_first=first)
        (chosen,) = choose_mask_boxes(config, [samples], pred, [target.boxes], [target], [(120, 120)])
        assert len(chosen.boxes) == 4
        assert int((chosen.matched >= 90).sum()) >= least
    assert (
        len(
            choose_mask_boxes(config, [samples], pred, [target.boxes], [target._replace(masks=None)], [(120, 120)])[
                0
            ].boxes
        )
        == 0
    )


def test_boxes_are_drawn_without_repetition() -> None:
    image, target = scene(64, 64, BARS)
    network = tiny(MASKS, mask_samples=6)
    assert isinstance(target, Target)
    assert network.forward_losses([image], [target])["mask_others"] > 0
