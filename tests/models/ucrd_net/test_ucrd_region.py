"""Region decomposition: which parts are read, how they are weighed, and that s = 1 changes nothing."""

from __future__ import annotations

import pytest
import torch
from tiny_detector import FULL, tiny

from chromseg.errors import ModelError
from chromseg.models.ucrd_net.region import LearnedDecomposition, RegionDecomposition, place_parts, sub_regions
from chromseg.models.ucrd_net.rois import pool_rois

BOXES = [torch.tensor([[10.0, 20, 50, 40], [0, 0, 30, 60]]), torch.tensor([[5.0, 6, 40, 50]])]
LEVELS = (2, 3)


def features() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 6, 16, 20, generator=generator), torch.randn(2, 6, 8, 10, generator=generator)]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (0.6, [[10, 20, 34, 40], [26, 20, 50, 40], [10, 20, 50, 32], [10, 28, 50, 40]]),
        (0.5, [[10, 20, 30, 40], [30, 20, 50, 40], [10, 20, 50, 30], [10, 30, 50, 40]]),
        (1.0, [[10, 20, 50, 40]] * 4),
    ],
)
def test_left_right_upper_and_bottom_part_by_hand(scale: float, expected: list[list[float]]) -> None:
    placed = place_parts(sub_regions(scale), BOXES[0][:1])[:, 0]
    torch.testing.assert_close(placed, torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("kind", [RegionDecomposition, LearnedDecomposition])
def test_at_scale_one_it_is_the_whole_region(kind: type[RegionDecomposition]) -> None:
    maps = kind(6, 1.0)(features(), BOXES, LEVELS, 14)
    whole = pool_rois(features(), BOXES, LEVELS, 14)
    torch.testing.assert_close(maps.fused, whole, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(maps.features[4], whole)


def test_eq_12_and_13_by_hand() -> None:
    """A 1×1 convolution with only a bias gives α = softmax of the biases, everywhere."""
    region = RegionDecomposition(6, 0.6)
    biases = [0.0, 1.0, 2.0, -1.0, 0.5]
    for layer, bias in zip(region.weigh.values(), biases, strict=True):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.constant_(layer.bias, bias)
    maps = region(features(), BOXES, LEVELS, 14)
    alpha = torch.tensor(biases).exp() / torch.tensor(biases).exp().sum()
    torch.testing.assert_close(maps.weights, alpha[:, None, None, None].expand(5, 3, 14, 14))
    torch.testing.assert_close(maps.fused, torch.einsum("p,prchw->rchw", alpha, maps.features))


def test_parts_are_what_roi_align_reads_there() -> None:
    maps = RegionDecomposition(6, 0.6)(features(), BOXES, LEVELS, 14)
    right = [torch.stack([b[:, 0] + 0.4 * (b[:, 2] - b[:, 0]), *b[:, 1:].T], dim=1) for b in BOXES]
    torch.testing.assert_close(maps.features[1], pool_rois(features(), right, LEVELS, 14, like=torch.cat(BOXES)))
    assert maps.features.shape == (5, 3, 6, 14, 14)
    torch.testing.assert_close(maps.weights.sum(dim=0), torch.ones(3, 14, 14))


def test_weights_differ_from_place_to_place() -> None:
    assert RegionDecomposition(6, 0.6)(features(), BOXES, LEVELS, 14).weights.std(dim=(2, 3)).min() > 0


def test_learned_parts_start_at_the_fixed_ones_and_can_move() -> None:
    learned, fixed = LearnedDecomposition(6, 0.6), RegionDecomposition(6, 0.6)
    fixed.load_state_dict(learned.state_dict(), strict=False)
    inside = [BOXES[0][:1], BOXES[1]]  # RoIAlign fades at the image's edge, where sampling repeats it
    maps = learned(features(), inside, LEVELS, 14)
    torch.testing.assert_close(maps.features, fixed(features(), inside, LEVELS, 14).features, atol=1e-4, rtol=1e-3)
    maps.fused.square().sum().backward()
    assert learned.move.weight.grad is not None
    assert learned.move.weight.grad.abs().sum() > 0
    torch.nn.init.constant_(learned.move.bias, 100.0)
    moved = learned(features(), inside, LEVELS, 14).parts
    torch.testing.assert_close(moved[:, 0], sub_regions(0.6) + 0.25)


@pytest.mark.parametrize("kind", ["decomposed", "learned"])
def test_maps_of_given_boxes_can_be_had_for_drawing(kind: str) -> None:
    network = tiny(FULL, region=kind, min_size=80).eval()
    maps = network.region_maps(torch.rand(1, 40, 50), torch.tensor([[4.0, 4, 30, 20]]))
    assert maps.weights.shape == (5, 1, 14, 14)
    assert maps.fused.shape == (1, 8, 14, 14)
    with pytest.raises(ModelError, match=r"expected `model\.region`"):
        tiny().region_maps(torch.rand(1, 40, 50), torch.zeros(0, 4))
