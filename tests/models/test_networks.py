"""One battery for every network in MODELS."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from chromseg.config import ModelConfig
from chromseg.errors import ModelError
from chromseg.models import MAP_MODELS, MapNetwork, Maps, build_model
from chromseg.models.blocks import convolved, level_widths, up
from chromseg.models.fold import folded

GRIDS = ("region-guided-unetpp", "unetpp")
EACH = pytest.mark.parametrize("architecture", MAP_MODELS)


def tiny(architecture: str, **changes: object) -> MapNetwork:
    torch.manual_seed(0)
    return build_model(dataclasses.replace(ModelConfig(architecture, depth=3, width=4), **changes))  # type: ignore[arg-type]


def seasoned(network: MapNetwork) -> MapNetwork:
    """In evaluation mode, with batch-norm statistics and weights that are not those of a fresh network."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return network.eval()


@EACH
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (16, 16), (17, 40), (64, 64)], ids=str)
@pytest.mark.parametrize("squeeze", [False, True])
def test_maps_have_the_size_of_the_image(architecture: str, size: tuple[int, int], squeeze: bool) -> None:
    network = tiny(architecture, squeeze=squeeze).eval()
    maps = network(torch.rand(2, 1, *size))
    assert type(maps) is Maps
    assert maps.chromosome.shape == maps.crossing.shape == (2, 1, *size)
    assert maps.contact is None


@EACH
def test_contact_branch_is_optional(architecture: str) -> None:
    maps = tiny(architecture, contact=True).eval()(torch.rand(1, 1, 9, 12))
    assert maps.contact is not None
    assert maps.contact.shape == (1, 1, 9, 12)


@EACH
@pytest.mark.parametrize("size", [(1, 1), (18, 33), (32, 64)], ids=str)
def test_a_network_may_see_finer_than_it_answers(architecture: str, size: tuple[int, int]) -> None:
    height, width = size
    maps = tiny(architecture, fine=2, contact=True).eval()(torch.rand(2, 1, height, width))
    assert {plane.shape for plane in maps if plane is not None} == {(2, 1, (height + 1) // 2, (width + 1) // 2)}


@EACH
@pytest.mark.parametrize("deep_supervision", [False, True])
@pytest.mark.parametrize("squeeze", [False, True])
def test_gradient_reaches_every_parameter(architecture: str, deep_supervision: bool, squeeze: bool) -> None:
    network = tiny(architecture, contact=True, deep_supervision=deep_supervision, squeeze=squeeze)
    for level in network.forward_all(torch.rand(2, 1, 32, 32)):
        sum(map_.square().mean() for map_ in level).backward(retain_graph=True)  # type: ignore[union-attr, misc]
    without = [name for name, parameter in network.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert without == []


@EACH
@pytest.mark.parametrize("size", [(32, 32), (21, 34)], ids=str)
def test_last_level_is_the_full_network(architecture: str, size: tuple[int, int]) -> None:
    network, x = seasoned(tiny(architecture)), torch.rand(1, 1, *size)
    assert torch.equal(network.forward_all(x)[-1].crossing, network(x).crossing)


@EACH
def test_evaluation_is_deterministic_and_each_image_alone(architecture: str) -> None:
    network, x = seasoned(tiny(architecture)), torch.rand(3, 1, 24, 24)
    together = network(x)
    assert torch.equal(together.crossing, network(x).crossing)
    for index in range(3):
        alone = network(x[index : index + 1])
        torch.testing.assert_close(alone.crossing[0], together.crossing[index])
        torch.testing.assert_close(alone.chromosome[0], together.chromosome[index])


@EACH
def test_padding_and_cropping_keep_the_place(architecture: str) -> None:
    """An image whose sides divide needs no padding; without its last column it must give nearly the same maps."""
    network, x = seasoned(tiny(architecture, depth=2)), torch.rand(1, 1, 64, 64)
    whole, less = network(x).chromosome, network(x[..., :-1]).chromosome
    torch.testing.assert_close(whole[..., :24], less[..., :24])


@EACH
def test_same_seed_same_weights(architecture: str) -> None:
    one, other = tiny(architecture).state_dict(), tiny(architecture).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@EACH
@pytest.mark.parametrize("squeeze", [False, True])
def test_folding_changes_nothing_but_rounding(architecture: str, squeeze: bool) -> None:
    network, x = seasoned(tiny(architecture, squeeze=squeeze)), torch.rand(1, 1, 33, 20)
    fast = folded(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    torch.testing.assert_close(fast(x).crossing, network(x).crossing, rtol=1e-4, atol=1e-4)


def test_a_frozen_norm_is_folded_too() -> None:
    norm = FrozenBatchNorm2d(4)
    for statistic in norm.buffers():
        statistic.uniform_(0.5, 2.0)
    network, x = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), norm, nn.ReLU6()), torch.rand(1, 3, 9, 8)
    fast = folded(network)
    assert isinstance(fast[1], nn.Identity) and network[1] is norm
    torch.testing.assert_close(fast(x), network(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("below", [False, True], ids=["of one level", "with one from below"])
def test_a_convolution_over_inputs_is_that_of_all_of_them_side_by_side(below: bool) -> None:
    inputs, lower = [torch.rand(2, 3, 8, 12), torch.rand(2, 5, 8, 12)], torch.rand(2, 6, 4, 6)
    convolution = nn.Conv2d(14 if below else 8, 4, 1)
    beside = torch.cat([*inputs, *([up(lower)] if below else [])], dim=1)
    got = convolved(convolution, inputs, lower if below else None)
    torch.testing.assert_close(got, convolution(beside), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("architecture", GRIDS)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_pruned_output_equals_the_auxiliary_output(architecture: str, level: int) -> None:
    network, x = seasoned(tiny(architecture, contact=True)), torch.rand(1, 1, 32, 40)
    auxiliary = network.forward_all(x)[level - 1]
    small = network.pruned(level)
    for pruned in (network(x, level), small(x)):
        for got, expected in zip(pruned, auxiliary, strict=True):
            torch.testing.assert_close(got, expected)
    assert small.config.depth == level
    assert not small.training
    if level < 3:
        assert _count(small) < _count(network)


@pytest.mark.parametrize("architecture", GRIDS)
def test_pruned_inference_leaves_deeper_nodes_alone(architecture: str) -> None:
    network = seasoned(tiny(architecture))
    for i, row in enumerate(network.grid.nodes):
        for j, node in enumerate(row):
            if i + j > 2:
                node.forward = _must_not_run
    network(torch.rand(1, 1, 16, 16), level=2)
    with pytest.raises(AssertionError, match="deeper"):
        network(torch.rand(1, 1, 16, 16))


@pytest.mark.parametrize("architecture", GRIDS)
def test_nodes_read_what_the_figure_says(architecture: str) -> None:
    """x_i_0 reads one node; x_i_j reads j nodes of its row and the one below."""
    config = ModelConfig(architecture, depth=3, width=4)
    width = level_widths(config)
    assert width == [4, 8, 16, 32]
    nodes = build_model(config).grid.nodes
    assert [len(row) for row in nodes] == [4, 3, 2, 1]
    read = [[node.convolutions[0][0].in_channels for node in row] for row in nodes]
    assert read == [[1, 4 + 8, 8 + 8, 12 + 8], [4, 8 + 16, 16 + 16], [8, 16 + 32], [16]]


def test_region_guided_branches_read_their_nodes() -> None:
    """The chromosome branch reads shallow nodes, the crossing branch all of them (§II-B)."""
    network = tiny("region-guided-unetpp", width=5)
    assert [head.chromosome.in_channels for head in network.heads] == [5, 10, 10]
    assert [head.crossing.in_channels for head in network.heads] == [5, 10, 15]


def test_deep_nodes_do_not_move_the_chromosome_map() -> None:
    network, x = seasoned(tiny("region-guided-unetpp")), torch.rand(1, 1, 32, 32)
    before = network(x)
    with torch.no_grad():
        network.grid.nodes[3][0].convolutions[0][0].weight.mul_(3)
    after = network(x)
    assert torch.equal(before.chromosome, after.chromosome)
    assert not torch.equal(before.crossing, after.crossing)


@EACH
def test_unknown_level_names_those_there_are(architecture: str) -> None:
    network = tiny(architecture, deep_supervision=False)
    assert network.levels == (3,)
    with pytest.raises(ModelError, match=r"level 2; expected one of 3"):
        network(torch.rand(1, 1, 8, 8), level=2)


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 8, 8)])
def test_wrong_input_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"expected \(B, 1, H, W\)"):
        tiny("unet")(torch.rand(*shape))


def test_unknown_architecture_lists_the_known() -> None:
    with pytest.raises(ModelError, match="`resnet`; expected one of region-guided-unetpp, unetpp, unet"):
        build_model(ModelConfig("resnet"))


def test_depth_zero_is_refused() -> None:
    with pytest.raises(ModelError, match="depth 0"):
        build_model(ModelConfig("unet", depth=0))


def test_level_widths_grow_to_the_cap() -> None:
    assert level_widths(ModelConfig("unet", depth=4, width=16, growth=2.0, max_width=100)) == [16, 32, 64, 100, 100]
    assert level_widths(ModelConfig("unet", depth=2, width=5, growth=1.5)) == [5, 8, 11]


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _must_not_run(*inputs: torch.Tensor) -> torch.Tensor:
    raise AssertionError("a deeper node ran")
