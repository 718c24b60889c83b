"""Uncertainty correction: eq. 5, 10 and 11 by hand, and what they do to the order of detections."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tiny_detector import TINY, UCRD

from chromseg.models.ucrd_net import Detections, rescore
from chromseg.models.ucrd_net.box_head import CODER, SCALE, BoxHead, BoxPrediction, box_losses
from chromseg.models.ucrd_net.detection import read_boxes
from chromseg.models.ucrd_net.sampling import Samples
from chromseg.models.ucrd_net.uncertainty import (
    SIGMA_MIN,
    box_uncertainty,
    corrected_score,
    damped_score,
    gaussian_nll,
    to_sigma,
)
from chromseg.models.ucrd_net.voting import edge_variances, vote


def one(value: float) -> torch.Tensor:
    return torch.tensor([value])


@pytest.mark.parametrize(
    ("pred", "target", "sigma", "expected"),
    [
        (0.0, 0.0, 1.0, 0.5 * math.log(2 * math.pi)),
        (0.2, 0.3, 0.1, -math.log(math.exp(-0.5) / (0.1 * math.sqrt(2 * math.pi)))),
        (1.0, 0.0, 0.5, -math.log(math.exp(-2.0) / (0.5 * math.sqrt(2 * math.pi)))),
        (100.0, 0.0, 0.5, -math.log(1e-9)),  # ε bounds the loss
    ],
)
def test_eq_5_by_hand(pred: float, target: float, sigma: float, expected: float) -> None:
    assert gaussian_nll(one(pred), one(target), one(sigma)).item() == pytest.approx(expected, rel=1e-5)


def test_likelihood_is_best_where_sigma_is_the_error() -> None:
    sigmas = torch.linspace(0.05, 0.9, 18)
    losses = gaussian_nll(torch.full_like(sigmas, 0.3), torch.zeros_like(sigmas), sigmas)
    assert sigmas[losses.argmin()].item() == pytest.approx(0.3)


def test_eq_10_and_11_by_hand() -> None:
    uncertainty = box_uncertainty(torch.tensor([[0.1, 0.2, 0.3, 0.6]]))
    assert uncertainty.item() == pytest.approx(0.3)
    assert corrected_score(one(0.9), uncertainty, 0.3).item() == pytest.approx(0.3 * 0.9 + 0.7 * 0.7)
    assert corrected_score(one(0.9), uncertainty, 1.0).item() == pytest.approx(0.9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sigma_is_off_zero_and_the_loss_finite(dtype: torch.dtype) -> None:
    logits = torch.tensor([-1e4, -100.0, 0.0, 100.0, 1e4], dtype=dtype, requires_grad=True)
    sigma = to_sigma(logits)
    assert sigma.dtype == torch.float32
    assert sigma.min().item() == pytest.approx(SIGMA_MIN)
    assert sigma.max().item() <= 1
    assert sigma[2].item() == pytest.approx(0.5, abs=0.01)
    loss = gaussian_nll(torch.tensor([0.0, 1e3, -1e3, 0.5, 1e30], dtype=dtype), torch.zeros(5, dtype=dtype), sigma)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_losses_of_a_box_head_by_hand() -> None:
    """Two proposals, one on a chromosome that lies 2 px right of it and is as large."""
    samples = Samples(torch.tensor([[0.0, 0, 20, 10], [50.0, 50, 60, 60]]), torch.tensor([1, 0]), torch.tensor([0, 0]))
    pred = BoxPrediction(torch.zeros(2, 2), torch.zeros(2, 4), torch.full((2, 4), 0.5))
    losses = box_losses(pred, [samples], [torch.tensor([[2.0, 0, 22, 10]])])
    assert losses["class"].item() == pytest.approx(math.log(2))  # eq. 9 at p = ½
    assert losses["box"].item() == pytest.approx((1.0 - 0.5 / 9) / 2)  # dx = 2/20, times 10; smooth L1 beyond 1/9
    normal = [math.exp(-0.5 * (d / 0.5) ** 2) / (0.5 * math.sqrt(2 * math.pi)) for d in (0.1, 0, 0, 0)]
    assert losses["box_nll"].item() == pytest.approx(-sum(map(math.log, normal)) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("training", "held"), [("joint", 1.0), ("detached", 0.0), ("tempered", 0.5)], ids=["joint", "detached", "tempered"]
)
def test_what_hold_the_likelihood_has_on_the_offsets(training: str, held: float) -> None:
    """With σ = ½, tempering halves what is left of it; σ learns in each case."""
    samples = Samples(torch.tensor([[0.0, 0, 20, 10]]), torch.tensor([1]), torch.tensor([0]))
    grads = {}
    for each in ("joint", training):
        deltas, sigma = torch.zeros(1, 4, requires_grad=True), torch.full((1, 4), 0.5, requires_grad=True)
        pred = BoxPrediction(torch.zeros(1, 2), deltas, sigma)
        box_losses(pred, [samples], [torch.tensor([[2.0, 0, 22, 10]])], each)["box_nll"].backward()
        grads[each] = torch.zeros(1, 4) if deltas.grad is None else deltas.grad
        assert sigma.grad is not None and sigma.grad.all()
    assert grads["joint"].any()
    torch.testing.assert_close(grads[training], held * grads["joint"])


def test_a_detached_uncertainty_does_not_move_what_it_reads() -> None:
    config = dataclasses.replace(UCRD, uncertainty_training="detached")
    head, x = BoxHead(config), torch.rand(2, 8, 7, 7, requires_grad=True)
    sigma = head(x).sigma
    assert sigma is not None
    sigma.sum().backward()
    assert x.grad is None and head.uncertainty is not None and head.uncertainty.weight.grad is not None


def test_offsets_are_those_of_eq_1() -> None:
    deltas = CODER.encode_single(torch.tensor([[12.0, 5, 32, 45]]), torch.tensor([[0.0, 0, 20, 40]])) / torch.tensor(
        SCALE
    )
    torch.testing.assert_close(deltas, torch.tensor([[12 / 20, 5 / 40, 0.0, 0.0]]))


def answers(sigma: torch.Tensor | None) -> BoxPrediction:
    return BoxPrediction(torch.tensor([[0.0, 1], [0, 3], [0, 2]]), torch.zeros(3, 4), sigma)


PROPOSALS = torch.tensor([[0.0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]])


def test_constant_sigma_leaves_the_order_unchanged() -> None:
    plain = read_boxes((PROPOSALS, answers(None)), (64, 64), TINY, 0.3)
    corrected = read_boxes((PROPOSALS, answers(torch.full((3, 4), 0.2))), (64, 64), TINY, 0.3)
    assert corrected.scores.argsort().tolist() == plain.scores.argsort().tolist() == [0, 2, 1]


def test_uncertain_boxes_fall_behind() -> None:
    sigma = torch.tensor([0.05, 0.6, 0.05])[:, None].expand(3, 4)
    found = read_boxes((PROPOSALS, answers(sigma)), (64, 64), TINY, 0.3)
    assert found.scores.argsort(descending=True).tolist() == [2, 0, 1]
    assert found.uncertainty is not None
    torch.testing.assert_close(found.uncertainty, sigma[:, 0])


def test_a_damped_score_has_a_range() -> None:
    assert damped_score(one(0.9), one(0.25), 4.0).item() == pytest.approx(0.9 / math.e)
    assert damped_score(one(0.9), one(0.25), 0.0).item() == pytest.approx(0.9)
    sigma = torch.tensor([0.05, 0.3, 0.05])[:, None].expand(3, 4)
    config = dataclasses.replace(TINY, ranking="damped", damping=4.0)
    found = read_boxes((PROPOSALS, answers(sigma)), (64, 64), config, 0.3)
    torch.testing.assert_close(found.scores, found.class_scores * torch.exp(-4 * sigma[:, 0]))


def test_an_edge_errs_with_centre_and_side() -> None:
    """A proposal of 20 × 10 whose box became 40 × 10."""
    sigma = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    spread = edge_variances(sigma, torch.tensor([[0.0, 0, 20, 10]]), torch.tensor([[0.0, 0, 40, 10]]))
    wide, high = 2.0**2 + 6.0**2, 2.0**2 + 2.0**2
    torch.testing.assert_close(spread, torch.tensor([[wide, high, wide, high]]))


def test_neighbours_move_a_box_by_their_variance() -> None:
    """Two boxes of IoU 0.8 and one far off; the surer of the two moves the other, and not the third."""
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 8], [40, 40, 50, 50]])
    spread = torch.tensor([[4.0], [1.0], [1.0]]).expand(3, 4)
    weight = math.exp(-(0.2**2) / 0.05)
    (moved, alone) = vote(boxes[[0, 2]], boxes, spread, 0.05)
    assert moved.tolist() == pytest.approx([0, 0, 10, (10 / 4 + 8 * weight) / (1 / 4 + weight)])
    assert alone.tolist() == [40, 40, 50, 50]
    torch.testing.assert_close(vote(boxes, boxes, spread, 1e-6), boxes)


def detections(uncertainty: torch.Tensor | None) -> Detections:
    return Detections(
        PROPOSALS, torch.ones(3).long(), torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0.9, 0.8, 0.7]), uncertainty,
        torch.arange(3.0)[:, None, None].expand(3, 28, 28),
    )  # fmt: skip


def test_rescoring_reorders_all_columns() -> None:
    found = rescore(detections(torch.tensor([0.5, 0.3, 0.0])), 0.3)
    assert found.scores.tolist() == pytest.approx([0.91, 0.73, 0.62])
    assert found.roi_masks[:, 0, 0].tolist() == [2, 1, 0]
    assert found.boxes[:, 0].tolist() == [40, 20, 0]
    assert rescore(found, 1.0).scores.tolist() == pytest.approx([0.9, 0.8, 0.7])


def test_rescoring_without_uncertainty_changes_nothing() -> None:
    found = detections(None)
    assert rescore(found, 0.5) is found
