"""Region decomposition: which parts are read, how they are weighed, and that s = 1 changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_detector import FULL, tiny

from chromseg.errors import ModelError
from chromseg.models.ucrd_net.mask_training import part_loss
from chromseg.models.ucrd_net.region import LearnedDecomposition, RegionDecomposition, place_parts, sub_regions
from chromseg.models.ucrd_net.region_aligned import AlignedDecomposition
from chromseg.models.ucrd_net.region_context import ContextDecomposition
from chromseg.models.ucrd_net.rois import pool_rois
from chromseg.models.ucrd_net.sampling import Samples

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


def test_a_part_put_back_lies_where_it_was_read() -> None:
    """On features that are the place itself, every part put back is the whole."""
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    ramps = [torch.stack([x, y])[None], torch.stack([x, y])[None, :, ::2, ::2]]
    maps = AlignedDecomposition(2, 0.6)(ramps, [torch.tensor([[20.0, 24, 100, 84]])], LEVELS, 14)
    inside = [np.s_[..., :8], np.s_[..., 6:], np.s_[..., :8, :], np.s_[..., 6:, :]]
    for part, window in zip(maps.features[:4], inside, strict=True):
        torch.testing.assert_close(part[0][window], maps.features[4, 0][window], atol=0.8, rtol=0)
    columns = (maps.weights[:, 0] > 0).all(dim=1)  # of the left part the first eight have a weight, 0.6 × 14 = 8.4
    assert columns[0].tolist() == [True] * 8 + [False] * 6
    assert columns[1].tolist() == [False] * 6 + [True] * 8
    torch.testing.assert_close(maps.weights.sum(dim=0), torch.ones(1, 14, 14))


def test_context_tells_a_cell_what_lies_in_the_other_half() -> None:
    torch.manual_seed(0)
    context = ContextDecomposition(6, 0.5)
    read = torch.rand(4, 2, 6, 14, 14)
    other = read.clone()
    other[1] += 1  # the right half
    whole, parts = torch.rand(2, 6, 14, 14), sub_regions(0.5)[:, None].expand(-1, 2, -1)
    before, after = (context.fuse(each, whole, parts) for each in (read, other))
    assert not torch.isclose(before.fused[..., 0], after.fused[..., 0]).all(), "the leftmost column hears of it"
    torch.testing.assert_close(before.weights.sum(dim=0), torch.ones(2, 14, 14))


def test_each_part_must_draw_its_own_part_of_the_mask() -> None:
    """A chromosome fills the left half of its box: the left part at s = ½ is full, the right one empty."""
    mask = torch.zeros(1, 40, 40, dtype=torch.uint8)
    mask[0, 10:30, 10:20] = 1
    box, matched = torch.tensor([[10.0, 10, 30, 30]]), torch.tensor([0])
    samples = [Samples(box, torch.tensor([1]), matched)]
    parts = sub_regions(0.5)[:2, None]
    right = torch.stack([torch.full((1, 14, 14), 9.0), torch.full((1, 14, 14), -9.0)])
    assert part_loss(right, parts, [mask], samples, [box]) < 0.3  # bilinear edges
    assert part_loss(right.flip(0), parts, [mask], samples, [box]) > 8


@pytest.mark.parametrize("kind", ["decomposed", "learned", "aligned", "context"])
def test_maps_of_given_boxes_can_be_had_for_drawing(kind: str) -> None:
    network = tiny(FULL, region=kind, min_size=80).eval()
    maps = network.region_maps(torch.rand(1, 40, 50), torch.tensor([[4.0, 4, 30, 20]]))
    assert maps.weights.shape == (5, 1, 14, 14)
    assert maps.fused.shape == (1, 8, 14, 14)
    with pytest.raises(ModelError, match=r"expected `model\.region`"):
        tiny().region_maps(torch.rand(1, 40, 50), torch.zeros(0, 4))
