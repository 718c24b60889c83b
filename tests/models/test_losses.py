"""Mixed-Weight Focal loss against values computed by hand from eq. 1-2."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from chromseg.config import LossConfig
from chromseg.models import Maps, MixedWeightFocalLoss
from chromseg.models.losses import convolution_kernels, focal_loss, soft_jaccard_loss

LOGIT_80 = math.log(4)  # sigmoid 0.8
LOGIT_20 = -math.log(4)  # sigmoid 0.2


def plane(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


@pytest.mark.parametrize(
    ("logit", "target", "alpha", "gamma", "expected"),
    [
        (LOGIT_80, 1.0, 0.75, 1.0, -0.75 * 0.2 * math.log(0.8)),
        (LOGIT_80, 0.0, 0.75, 1.0, -0.25 * 0.8 * math.log(0.2)),
        (LOGIT_20, 1.0, 0.25, 2.0, -0.25 * 0.8**2 * math.log(0.2)),
        (LOGIT_20, 0.0, 0.9, 2.0, -0.1 * 0.2**2 * math.log(0.8)),
        (0.0, 1.0, 1.0, 0.0, math.log(2)),
        (LOGIT_80, 0.0, 0.0, 0.5, -(0.8**0.5) * math.log(0.2)),
    ],
)
def test_focal_loss_of_one_pixel(logit: float, target: float, alpha: float, gamma: float, expected: float) -> None:
    loss = focal_loss(plane(logit), plane(target), alpha=alpha, gamma=gamma)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_focal_loss_is_the_mean_over_pixels() -> None:
    loss = focal_loss(plane(LOGIT_80, LOGIT_20), plane(1, 1), alpha=1.0, gamma=1.0)
    assert loss.item() == pytest.approx(-(0.2 * math.log(0.8) + 0.8 * math.log(0.2)) / 2, rel=1e-6)


def test_without_focusing_it_is_half_the_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, target = 5 * torch.randn(2, 1, 8, 8), (torch.rand(2, 1, 8, 8) > 0.5).float()
    expected = functional.binary_cross_entropy_with_logits(logits, target) / 2
    torch.testing.assert_close(focal_loss(logits, target, alpha=0.5, gamma=0.0), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_extreme_logits_give_finite_losses_and_gradients(dtype: torch.dtype, gamma: float) -> None:
    logits = plane(-1e4, 1e4, -200, 200, 0).to(dtype).requires_grad_()
    loss = focal_loss(logits, plane(1, 0, 0, 1, 1), alpha=0.75, gamma=gamma)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_soft_jaccard_of_hard_maps() -> None:
    """Half of a target of 8 pixels found, 4 false: 4 of 12, plus the one pixel on both sides."""
    target = plane(*[1.0] * 8, *[0.0] * 8)
    logits = plane(*[50.0] * 4, *[-50.0] * 4, *[50.0] * 4, *[-50.0] * 4)
    assert soft_jaccard_loss(logits, target).item() == pytest.approx(1 - 5 / 13)


def test_soft_jaccard_is_a_mean_over_images_and_knows_empty_ones() -> None:
    target = torch.cat([plane(1, 1, 0, 0), plane(0, 0, 0, 0), plane(0, 0, 0, 0)])
    logits = 50 * torch.cat([plane(1, 1, -1, -1), plane(-1, -1, -1, -1), plane(1, 1, 1, -1)])
    assert soft_jaccard_loss(logits, target).item() == pytest.approx((0 + 0 + (1 - 1 / 4)) / 3)


def test_mixed_weights_by_hand() -> None:
    maps = Maps(chromosome=plane(LOGIT_80), crossing=plane(LOGIT_20), contact=None)
    target = {"chromosome": plane(1), "crossing": plane(1)}
    losses = MixedWeightFocalLoss(LossConfig(lam=0.7, alpha=0.75, gamma=1.0))([maps], target)
    chromosome, crossing = -0.75 * 0.2 * math.log(0.8), -0.75 * 0.8 * math.log(0.2)
    assert set(losses) == {"loss", "loss_chromosome", "loss_crossing"}
    assert losses["loss_chromosome"].item() == pytest.approx(chromosome, rel=1e-6)
    assert losses["loss_crossing"].item() == pytest.approx(crossing, rel=1e-6)
    assert losses["loss"].item() == pytest.approx(0.3 * chromosome + 0.7 * crossing, rel=1e-6)


def test_all_terms_add_up() -> None:
    maps = Maps(plane(0.3), plane(-0.2), plane(0.1))
    target = {"chromosome": plane(1), "crossing": plane(0), "contact": plane(1)}
    config = LossConfig(lam=0.6, phi=0.01, overlap=0.5, contact=0.2, contact_overlap=0.3)
    losses = MixedWeightFocalLoss(config)([maps], target, [torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])])
    assert losses["loss_phi"].item() == pytest.approx(7.0)
    expected = (
        0.4 * losses["loss_chromosome"]
        + 0.6 * losses["loss_crossing"]
        + 0.5 * losses["loss_overlap"]
        + 0.2 * losses["loss_contact"]
        + 0.3 * losses["loss_contact_overlap"]
        + 0.01 * 7
    )
    torch.testing.assert_close(losses["loss"], expected)


def test_ground_between_two_chromosomes_counts_more_in_their_map_alone() -> None:
    maps = Maps(plane(0.3, 0.3), plane(0.1, 0.1), plane(0.1, 0.1))
    target = {"chromosome": plane(0, 0), "crossing": plane(0, 0), "contact": plane(1, 0)}
    plain, gaps = (MixedWeightFocalLoss(LossConfig(contact=1, gap=gap))([maps], target) for gap in (0.0, 3.0))
    assert gaps["loss_chromosome"].item() == pytest.approx((4 + 1) / 2 * plain["loss_chromosome"].item())
    assert gaps["loss_crossing"] == plain["loss_crossing"]
    assert gaps["loss_contact"] == plain["loss_contact"]


def test_deep_supervision_takes_the_mean_over_levels() -> None:
    levels = [Maps(plane(value), plane(-value), None) for value in (0.5, 2.0)]
    target = {"chromosome": plane(1), "crossing": plane(1)}
    loss = MixedWeightFocalLoss(LossConfig())
    each = [loss([level], target)["loss_crossing"] for level in levels]
    torch.testing.assert_close(loss(levels, target)["loss_crossing"], (each[0] + each[1]) / 2)


def test_phi_leaves_biases_and_norms_free() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1))
    kernels = convolution_kernels(network)
    assert [tuple(kernel.shape) for kernel in kernels] == [(2, 1, 3, 3), (1, 2, 1, 1)]


def test_ignored_pixels_enter_no_mean() -> None:
    """Right at 0.8, wrong at 0.2 and two pixels of which nothing is known: the mean over the first two."""
    logits, target = plane(LOGIT_80, LOGIT_20, 50.0, -50.0), plane(1, 1, 0, 1)
    known = plane(1, 1, 0, 0)
    loss = focal_loss(logits, target, alpha=1.0, gamma=1.0, known=known)
    assert loss.item() == pytest.approx(-(0.2 * math.log(0.8) + 0.8 * math.log(0.2)) / 2, rel=1e-6)
    none = focal_loss(logits, target, alpha=1.0, gamma=1.0, known=torch.zeros_like(known))
    assert none.item() == 0
    overlap = soft_jaccard_loss(logits, target, known)
    assert overlap.item() == pytest.approx(1 - (1 + 1) / (2 + 1), rel=1e-5)  # probabilities 0.8 + 0.2 of 2


def test_each_map_leaves_ignored_pixels_out() -> None:
    torch.manual_seed(0)
    config = LossConfig(overlap=0.5, contact=2.0, contact_overlap=0.25, gap=3.0)
    maps = [Maps(*(torch.randn(2, 1, 8, 8) for _ in range(3))) for _ in range(2)]
    truth = {name: (torch.rand(2, 1, 8, 8) > 0.5).float() for name in ("chromosome", "crossing", "contact")}
    ignored = torch.zeros(2, 1, 8, 8)
    ignored[:, :, :, 4:] = 1
    half = {name: value[..., :4] for name, value in truth.items()}
    loss = MixedWeightFocalLoss(config)
    whole = loss(maps, truth | {"ignored": ignored})
    cut = loss([Maps(*(plane[..., :4] for plane in level)) for level in maps], half)
    assert whole.keys() == cut.keys()
    for name in whole:
        torch.testing.assert_close(whole[name], cut[name])
