"""The detectors of Table 1, each by what makes it one; shapes, gradients and losses are in test_ucrd_network.py."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tiny_detector import BARS, TINY, scene
from torch import nn

from chromseg.models.ucrd_net.box_cascade import BoxCascade
from chromseg.models.ucrd_net.box_head import BoxPrediction
from chromseg.models.ucrd_net.box_scoring import fit_loss
from chromseg.models.ucrd_net.counting import count_in
from chromseg.models.ucrd_net.detection import read_boxes
from chromseg.models.ucrd_net.images import make_batch
from chromseg.models.ucrd_net.mask_edges import edge_loss, gradients
from chromseg.models.ucrd_net.mask_head import MaskHead, MaskRois
from chromseg.models.ucrd_net.panet import AdaptivePooling, BottomUpPath
from chromseg.models.ucrd_net.sampling import Samples
from chromseg.models.ucrd_net.semantic import SemanticBranch

BOX = torch.tensor([[10.0, 10, 30, 30]])


def test_panet_a_fine_edge_reaches_deep_levels_and_none_comes_back() -> None:
    config = dataclasses.replace(TINY, levels=(2, 3, 4))
    torch.manual_seed(0)
    path = BottomUpPath(config)
    levels = [torch.rand(1, 8, side, side) for side in (16, 8, 4)]
    fine, deep = [levels[0] + 1, *levels[1:]], [*levels[:2], levels[2] + 1]
    plain, of_fine, of_deep = (path(each) for each in (levels, fine, deep))
    assert [each.shape for each in plain] == [each.shape for each in levels]
    assert [torch.equal(a, b) for a, b in zip(plain, of_fine, strict=True)] == [False, False, False]
    assert [torch.equal(a, b) for a, b in zip(plain, of_deep, strict=True)] == [True, True, False]


def test_panet_a_box_is_read_from_every_level() -> None:
    pooling = AdaptivePooling(TINY)
    levels = [torch.zeros(1, 8, 16, 16), torch.zeros(1, 8, 8, 8)]
    plain = pooling(levels, [BOX], 7)
    for index in range(2):
        changed = [level + (10 if own == index else 0) for own, level in enumerate(levels)]
        assert not torch.equal(pooling(changed, [BOX], 7), plain)


class Mover(nn.Module):
    """Moves every box right by a tenth of its width, and is as sure as it is told."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self.score = score

    def forward(self, x: torch.Tensor) -> BoxPrediction:
        logits = torch.tensor([[1 - self.score, self.score]]).log().expand(len(x), 2)
        return BoxPrediction(logits, torch.tensor([[1.0, 0, 0, 0]]).expand(len(x), 4), None)


def test_cascade_each_stage_starts_where_the_last_one_ended_and_all_are_asked() -> None:
    cascade = BoxCascade(dataclasses.replace(TINY, cascade=(0.6, 0.7)))
    cascade.stages = nn.ModuleList([Mover(0.6), Mover(0.3)])
    (boxes,), pred = cascade.refine(lambda boxes: torch.cat(list(boxes)), [BOX], Mover(0.9)(BOX), [(64, 64)])
    assert boxes.tolist() == [[14.0, 10, 34, 30]], "two moves before the last stage, whose own is yet to come"
    assert pred.logits.softmax(dim=1)[0, 1].item() == pytest.approx(0.6)


def test_cascade_later_stages_ask_for_more() -> None:
    """A box that IoU 0.5 takes for a chromosome: after the first move it has 0.67, enough for 0.6, not for 0.7."""
    cascade = BoxCascade(dataclasses.replace(TINY, cascade=(0.6, 0.7)))
    cascade.stages = nn.ModuleList([Mover(0.5), Mover(0.5)])
    start, true = torch.tensor([[4.0, 10, 24, 30]]), torch.tensor([[10.0, 10, 30, 30]])
    first = ([Samples(start, torch.tensor([1]), torch.tensor([0]))], Mover(0.5)(start))
    from chromseg.models.ucrd_net.ignoring import Unknown

    known = [Unknown(None, torch.ones(4))]
    rounds, losses = cascade.train_rounds(
        lambda boxes: torch.cat(list(boxes)), first, [true], [torch.tensor([1])], [(64, 64)], known
    )
    assert [samples[0].boxes[0, 0].item() for samples, _ in rounds] == [4, 6, 8]
    assert [samples[0].labels.item() for samples, _ in rounds] == [1, 1, 1]
    assert losses.keys() == {"class_2", "box_2", "class_3", "box_3"}
    strict = BoxCascade(dataclasses.replace(TINY, cascade=(0.7,)))
    strict.stages = nn.ModuleList([Mover(0.5)])
    rounds, _ = strict.train_rounds(
        lambda boxes: torch.cat(list(boxes)), first, [true], [torch.tensor([1])], [(64, 64)], known
    )
    assert rounds[1][0][0].labels.item() == 0, "0.67 is below 0.7"


def test_htc_a_mask_stage_reads_the_one_before() -> None:
    config = dataclasses.replace(TINY, cascade=(0.6, 0.7), mask_stages=3)
    torch.manual_seed(0)
    head, rois = MaskHead(config), MaskRois(torch.rand(2, 8, 14, 14), None)
    stages = [head.predict(rois, stage).own for stage in range(3)]
    torch.testing.assert_close(head.predict(rois).own, torch.stack(stages).mean(dim=0))
    with torch.no_grad():
        head.convolutions[0][0].weight.mul_(2)
    assert [torch.equal(head.predict(rois, stage).own, before) for stage, before in enumerate(stages)] == [False] * 3


def test_htc_the_semantic_branch_learns_both_maps_and_leaves_out_what_is_unknown() -> None:
    """Two crossing bars, from one feature that is 1 everywhere: the loss is that of two constant maps."""
    image, target = scene(32, 32, [(0, 8, 32, 16), (8, 0, 16, 32)])
    branch = SemanticBranch(TINY)
    nn.init.zeros_(branch.maps.weight)
    nn.init.zeros_(branch.maps.bias)  # type: ignore[arg-type]
    features, batch = torch.ones(1, 8, 8, 8), make_batch([image])
    assert branch.loss(features, [target], batch).item() == pytest.approx(math.log(2))
    nn.init.constant_(branch.maps.bias, 20.0)  # type: ignore[arg-type]  # all is chromosome, all is crossing
    ground, simple = 36 / 64, 60 / 64  # cells that are not
    assert branch.loss(features, [target], batch).item() == pytest.approx(20 * (ground + simple) / 2, rel=1e-4)
    ignored = torch.ones(32, 32, dtype=torch.uint8)
    assert branch.loss(features, [target._replace(ignored=ignored)], batch) == 0
    assert branch.loss(features, [target._replace(masks=None)], batch) == 0


def test_as_panet_counts_the_chromosomes_of_a_box() -> None:
    _, target = scene(48, 57, BARS)
    boxes = torch.tensor([[0.0, 0, 57, 48], [20, 10, 50, 20], [30, 4, 38, 44], [16, 4, 52, 44]])
    assert count_in(boxes, target.boxes).tolist() == [2, 0, 0, 1]
    assert count_in(boxes[:1], target.boxes[:1].repeat(9, 1)).tolist() == [3], "four and more are one class"


def test_esnet_edges_by_hand() -> None:
    step = torch.zeros(1, 6, 6)
    step[..., 3:] = 1
    along_x, along_y = gradients(step)[0]
    assert along_x[2].tolist() == [0, 0, 1, 1, 0, 0] and not along_y.any()
    sure = torch.where(step > 0, 50.0, -50.0)
    assert edge_loss(sure, step) < 1e-6
    moved = step.roll(-1, dims=2)
    moved[..., -1] = 1
    assert edge_loss(sure, moved).item() == pytest.approx(2 * 6 / 36), "columns 1 and 3 differ by one"


def test_rc_net_learns_how_well_the_moved_box_fits() -> None:
    samples = [Samples(torch.cat([BOX, BOX + 40]), torch.tensor([1, 0]), torch.tensor([0, 0]))]
    moved = torch.tensor([[10.0, 10, 30, 20], [0, 0, 1, 1]])  # half of the true box
    losses = [fit_loss(torch.tensor([logit, 99.0]), moved, samples, [BOX]).item() for logit in (-2.0, 0.0, 2.0)]
    assert losses[1] == pytest.approx(math.log(2)) and losses[1] == min(losses)


def test_rc_net_corrects_the_score_before_nms() -> None:
    pred = BoxPrediction(torch.tensor([[0.0, 3], [0, 3]]), torch.zeros(2, 4), None, torch.tensor([0.0, 9.0]))
    found = read_boxes((torch.cat([BOX, BOX]), pred), (64, 64), TINY, 0.3)
    torch.testing.assert_close(found.scores, found.class_scores * torch.tensor([0.5, 0.99988]), atol=1e-4, rtol=0)
