"""A detector does not take for ground what meets pixels of which nothing is known."""

from __future__ import annotations

import pytest
import torch
from tiny_detector import TINY, scene, tiny

from chromseg.errors import DataError
from chromseg.models.ucrd_net.ignoring import Unknown
from chromseg.models.ucrd_net.sampling import sample_proposals

PIXELS = torch.zeros(40, 60, dtype=torch.uint8)
PIXELS[10:20, 30:50] = 1


def test_ground_is_what_hardly_meets_unknown_pixels() -> None:
    boxes = torch.tensor([[30.0, 10, 50, 20], [25, 10, 35, 20], [0, 0, 20, 20], [20, 10, 31, 20], [30, 10, 50, 20]])
    labels = torch.tensor([0, 0, 0, 0, 3])
    factor = torch.ones(4)
    assert Unknown(PIXELS, factor).left_out(labels, boxes).tolist() == [-1, -1, 0, 0, 3]
    twice = Unknown(PIXELS, 2 * factor)  # the picture was doubled for the network
    assert twice.left_out(labels, 2 * boxes).tolist() == [-1, -1, 0, 0, 3]
    assert Unknown(None, factor).left_out(labels, boxes) is labels


def test_boxes_that_leave_the_picture_are_measured_by_what_is_in_it() -> None:
    boxes = torch.tensor([[40.0, -30, 90, 60], [55, 35, 200, 200], [-9, -9, -1, -1]])
    left = Unknown(PIXELS, torch.ones(4)).left_out(torch.zeros(3), boxes)
    assert left.tolist() == [0, 0, 0]  # 100 of 4,500 px; none; none


def test_unknown_proposals_are_not_drawn() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]])
    proposals = torch.tensor([[30.0, 10, 50, 20], [0.0, 25, 20, 35]])
    unknown = [Unknown(PIXELS, torch.ones(4))]
    (samples,) = sample_proposals([proposals], [boxes], [torch.tensor([1])], 100, unknown)
    assert samples.boxes.tolist() == [[0, 25, 20, 35], [0, 0, 10, 10]] and samples.labels.tolist() == [0, 1]


def test_where_all_is_unknown_a_network_that_sees_chromosomes_everywhere_is_not_wrong() -> None:
    """Objectness of logit 3 costs 0.05 on a chromosome and 3.05 on the ground, of which there is none then."""
    image, target = scene(64, 96, [(8, 20, 40, 34), (50, 10, 64, 50)])
    everywhere = target._replace(ignored=torch.ones(64, 96, dtype=torch.uint8))
    nowhere = target._replace(ignored=torch.zeros(64, 96, dtype=torch.uint8))
    losses = []
    for each in (target, nowhere, everywhere):
        network = tiny(TINY)
        torch.nn.init.constant_(network.rpn.rpn.head.cls_logits.bias, 3)
        torch.manual_seed(1)
        losses.append(network.forward_losses([image], [each]))
    plain, none, all_unknown = losses
    assert all(torch.equal(plain[name], none[name]) for name in plain)
    assert all_unknown["rpn_objectness"] < 0.2 < 1 < plain["rpn_objectness"] and all_unknown["loss"].isfinite()
    assert all_unknown["class"] != plain["class"]


def test_ignored_pixels_of_another_size_are_refused() -> None:
    image, target = scene(64, 96, [(8, 20, 40, 34)])
    with pytest.raises(DataError, match=r"ignored pixels \(40, 60\) in an image \(1, 64, 96\)"):
        tiny().forward_losses([image], [target._replace(ignored=PIXELS)])
