"""The whole network: losses, gradients and detections of every variant."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tiny_detector import BARS, CONDITIONAL, FULL, MASKS, TABLE_1, TINY, scene, tiny
from torchvision.ops import box_iou

from chromseg.config import DetectorConfig
from chromseg.errors import ConfigError, DataError, ModelError
from chromseg.models.ucrd_net import Detections, Target, UCRDNet
from chromseg.models.ucrd_net.half_turn import turned

VARIANTS = {
    "mask-rcnn": {},
    "all-levels": {"levels": (2, 3, 4, 5, 6), "deepest": 5, "anchors": "default", "rpn_samples": 10000},
    "p2": {"levels": (2,), "anchors": "paper"},
    "paper-anchors": {"anchors": "paper"},
    "double": {"box_head": "double"},
    "uc": {"box_head": "double", "uncertainty": True},
    "uc-detached": {"box_head": "double", "uncertainty": True, "uncertainty_training": "detached"},
    "uc-tempered": {"uncertainty": True, "uncertainty_training": "tempered"},
    "uc-corrects": {"uncertainty": True, "ranking": "damped", "voting": 0.05},
    "uc-two-fc": {"uncertainty": True},
    "rd": {"region": "decomposed"},
    "rd-learned": {"region": "learned"},
    "rd-aligned": {"region": "aligned"},
    "rd-context": {"region": "context"},
    **TABLE_1,
    "group-norm": {"head_norm": "group", "mask_scoring": True},
    "soft": {"nms": "soft"},
    "resnet18": {"backbone": "resnet18"},
    "three-classes": {"classes": 3},
    "box-aware": {"mask_head": "box-aware", "mask_convolutions": 4},
    "conditional": {"mask_head": "conditional"},
    "others": {"mask_others": True},
    "detail": {"mask_detail": 4},
    "detail-resnet18": {"mask_detail": 4, "backbone": "resnet18"},
    "masks": dataclasses.asdict(MASKS),
    "full": dataclasses.asdict(FULL),
}
EDGE_CASES = (
    {"baseline": TINY, "full": FULL, "masks": MASKS}
    | {region: dataclasses.replace(MASKS, region=region) for region in ("decomposed", "learned", "aligned", "context")}
    | {
        name: dataclasses.replace(TINY, **changes)  # type: ignore[arg-type]
        for name, changes in TABLE_1.items()
    }
)
LEARNERS = {name: config for name, config in EDGE_CASES.items() if name != "baseline"} | {"conditional": CONDITIONAL}
EACH = pytest.mark.parametrize("variant", VARIANTS)
NAMES = {"rpn_objectness", "rpn_box", "class", "box", "mask"}


def batch() -> tuple[list[torch.Tensor], list[Target]]:
    pairs = [scene(48, 57, BARS), scene(33, 64, [(5, 5, 30, 15)])]
    return [image for image, _ in pairs], [target for _, target in pairs]


@EACH
def test_named_losses_and_a_gradient_for_every_parameter(variant: str) -> None:
    network = tiny(**VARIANTS[variant])
    losses = network.forward_losses(*batch())
    config = network.config
    extra = {
        "box_nll": config.uncertainty,
        "mask_score": config.mask_scoring,
        "mask_edge": config.mask_edges,
        "box_score": config.box_scoring,
        "count": config.counting,
        "semantic": config.semantic,
        **{f"{name}_{stage + 2}": True for name in ("class", "box") for stage in range(len(config.cascade))},
        **{f"mask_{stage + 1}": True for stage in range(1, config.mask_stages)},
        "mask_parts": config.region in ("aligned", "context"),
        "mask_others": config.mask_others,
        "mask_union": config.mask_others,
    }
    assert losses.keys() == NAMES | {name for name, on in extra.items() if on} | {"loss"}
    assert all(value.isfinite() and value.shape == () for value in losses.values())
    torch.testing.assert_close(losses["loss"], sum(value for name, value in losses.items() if name != "loss"))
    losses["loss"].backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []
    still = [name for name, parameter in network.named_parameters() if not parameter.grad.any()]  # type: ignore[union-attr]
    assert [name for name in still if "move" not in name] == []


@EACH
@pytest.mark.parametrize("size", [(1, 1), (37, 64)], ids=str)
def test_detections_of_any_size_lie_in_the_image_best_first(variant: str, size: tuple[int, int]) -> None:
    network = tiny(**{**VARIANTS[variant], "score_min": 0.0}).eval()
    (found,) = network.detect([torch.rand(1, *size)])
    count, (height, width) = len(found.boxes), size
    assert count <= network.config.detections
    assert size == (1, 1) or count > 0
    assert found.roi_masks.shape == (count, 28, 28)
    assert found.labels.dtype == torch.int64
    assert all(len(column) == count for column in found if column is not None)
    assert (found.uncertainty is not None) == network.config.uncertainty
    assert ((found.boxes >= 0) & (found.boxes <= torch.tensor([width, height] * 2))).all()
    assert (found.scores.diff() <= 0).all()
    for column in (found.scores, found.class_scores, found.roi_masks):
        assert ((column >= 0) & (column <= 1)).all()


@pytest.mark.parametrize("config", [TINY, FULL], ids=["baseline", "full"])
def test_images_are_detected_alike_alone_and_together(config: DetectorConfig) -> None:
    network = tiny(config, score_min=0.0).eval()
    images = [torch.rand(1, 64, 64), torch.rand(1, 64, 64)]
    together = network.detect(images)
    for image, found in zip(images, together, strict=True):
        (alone,) = network.detect([image])
        torch.testing.assert_close(alone.boxes, found.boxes, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(alone.roi_masks, found.roi_masks, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("half_turn", [True, False])
@pytest.mark.parametrize("variant", ["cascade", "rc-net", "full"])
def test_half_turn_makes_the_answer_the_same_from_either_side(
    variant: str, half_turn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tiny(EDGE_CASES[variant], score_min=0.0).eval()
    images, targets = batch()
    upright = [target.boxes for target in targets]
    upside_down = [turned(boxes, image.shape[1:]) for boxes, image in zip(upright, images, strict=True)]

    def detect(pictures: list[torch.Tensor], proposals: list[torch.Tensor]) -> list[Detections]:
        monkeypatch.setattr(network.rpn, "forward", lambda *_: (proposals, {}))
        return network.detect(pictures, half_turn=half_turn)

    below = detect([image.flip(1, 2) for image in images], upside_down)
    for image, one, other in zip(images, detect(images, upright), below, strict=True):
        columns = (turned(other.boxes, image.shape[1:]), other.class_scores, other.roi_masks.flip(1, 2))
        pairs = zip((one.boxes, one.class_scores, one.roi_masks), columns, strict=True)
        assert len(one.boxes) > 0
        assert all(own.shape == its.shape and torch.allclose(own, its, atol=1e-4) for own, its in pairs) == half_turn


@pytest.mark.parametrize("config", EDGE_CASES.values(), ids=EDGE_CASES)
@pytest.mark.parametrize("masks", [True, False], ids=["masks", "box-only"])
def test_an_image_without_chromosomes(config: DetectorConfig, masks: bool) -> None:
    network = tiny(config)
    losses = network.forward_losses(*zip(*[scene(40, 40, [], masks=masks)], strict=True))
    losses["loss"].backward()
    assert all(value.isfinite() for value in losses.values())
    assert [losses[name].item() for name in ("rpn_box", "box", "mask")] == [0, 0, 0]
    assert losses["rpn_objectness"] > 0
    assert network.eval().detect([torch.zeros(1, 40, 40)])[0].boxes.shape[1] == 4


@pytest.mark.parametrize("config", EDGE_CASES.values(), ids=EDGE_CASES)
def test_more_than_two_hundred_chromosomes(config: DetectorConfig) -> None:
    bars = [(x, y, x + 5, y + 9) for y in range(0, 150, 10) for x in range(0, 160, 10)]
    image, target = scene(150, 160, bars)
    assert len(bars) == 240
    network = tiny(config, box_samples=1000, mask_samples=50, rpn_proposals=(300, 300), score_min=0.0, detections=210)
    losses = network.forward_losses([image], [target])
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    assert len(network.eval().detect([image])[0].boxes) <= 210


@pytest.mark.parametrize("config", EDGE_CASES.values(), ids=EDGE_CASES)
def test_boxes_without_masks_train_all_but_the_mask_head(config: DetectorConfig) -> None:
    network = tiny(config)
    losses = network.forward_losses(*zip(*[scene(48, 57, BARS, masks=False)], strict=True))
    losses["loss"].backward()
    assert {losses[name].item() for name in losses if name.startswith("mask")} == {0}
    assert losses["box"] > 0
    grads = {name: parameter.grad for name, parameter in network.named_parameters()}
    assert all(grad is not None for grad in grads.values())
    assert not any(grad.any() for name, grad in grads.items() if name.startswith(("mask", "semantic.maps")))  # type: ignore[union-attr]
    assert any(grad.any() for name, grad in grads.items() if name.startswith("box_head"))  # type: ignore[union-attr]


def test_an_image_with_masks_beside_one_with_boxes_only() -> None:
    pairs = [scene(48, 57, BARS), scene(33, 64, [(5, 5, 30, 15)], masks=False)]
    network = tiny(FULL).eval()
    torch.manual_seed(1)
    mixed = network.forward_losses(*zip(*pairs, strict=True))["mask"]
    assert mixed > 0


@pytest.mark.parametrize("bars", [BARS, []], ids=["bars", "empty"])
def test_losses_and_gradients_are_finite_in_bf16(bars: list[tuple[int, int, int, int]]) -> None:
    network = tiny(FULL, region="learned")
    with torch.autocast("cpu", torch.bfloat16):
        losses = network.forward_losses(*zip(*[scene(64, 64, bars)], strict=True))
    losses["loss"].backward()
    assert all(value.isfinite() and value.dtype == torch.float32 for value in losses.values())
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())  # type: ignore[union-attr]
    with torch.autocast("cpu", torch.bfloat16):
        (found,) = network.eval().detect([torch.rand(1, 40, 40)])
    assert found.boxes.dtype == torch.float32


def test_variants_start_from_the_same_weights() -> None:
    paper = {"levels": (2, 3, 4, 5, 6), "deepest": 5, "anchors": "default"}
    baseline = tiny(**paper).state_dict()
    for changes in (
        {"region": "learned"},
        {"region": "context"},
        {"uncertainty": True},
        {"mask_scoring": True},
        {"levels": (2, 3)},
        {"anchors": "paper"},
        {"box_head": "double"},
        {"mask_head": "box-aware"},
        TABLE_1["panet"],
        TABLE_1["htc"],
        TABLE_1["rc-net"],
        {"mask_head": "conditional"},
        {"mask_others": True},
        {"mask_detail": 4},
    ):
        other = tiny(**(paper | changes)).state_dict()
        shared = {name for name in baseline if name in other and baseline[name].shape == other[name].shape}
        equal = [name for name in shared if torch.equal(baseline[name], other[name])]
        assert set(equal) == shared, changes
        assert len(equal) > 50
    torch.manual_seed(1)
    assert not torch.equal(UCRDNet(TINY).fpn.lateral["2"][0].weight, tiny().fpn.lateral["2"][0].weight)


@pytest.mark.parametrize("scale", [{"min_size": 64}, {"zoom": 2.0}], ids=["min_size", "zoom"])
def test_scaling_gives_boxes_in_the_image_own_pixels(scale: dict[str, float]) -> None:
    """An image scaled by two inside finds what its enlargement finds, in half the pixels."""
    image = torch.rand(1, 32, 48)
    large = torch.nn.functional.interpolate(image[None], size=(64, 96), mode="bilinear", align_corners=False)[0]
    (inside,) = tiny(score_min=0.0, **scale).eval().detect([image])
    (outside,) = tiny(score_min=0.0).eval().detect([large])
    torch.testing.assert_close(inside.boxes * 2, outside.boxes)
    torch.testing.assert_close(inside.roi_masks, outside.roi_masks)


def test_scaled_training_sees_the_same_truth() -> None:
    image, target = scene(32, 48, [(4, 6, 12, 28), (20, 10, 40, 20)])
    large, large_target = scene(64, 96, [(8, 12, 24, 56), (40, 20, 80, 40)])
    exact = {"box_samples": 1000, "mask_samples": 1000, "rpn_samples": 100000}
    torch.manual_seed(3)
    inside = tiny(min_size=64, **exact).forward_losses([image], [target])
    large = torch.nn.functional.interpolate(image[None], size=(64, 96), mode="bilinear", align_corners=False)[0]
    outside = tiny(**exact).forward_losses([large], [large_target])
    for name in NAMES:
        torch.testing.assert_close(inside[name], outside[name], rtol=2e-2, atol=1e-3)


def test_proposals_of_a_level_overlap_no_more_than_they_may() -> None:
    most = {}
    for limit in (0.1, 0.7):
        network = tiny(levels=(2,), anchor_sizes=((16.0,),), rpn_nms_iou=limit).eval()
        with torch.no_grad():
            images, features = network.features([torch.rand(1, 64, 64)])
            (proposals,), _ = network.rpn(images, features.levels)
        most[limit] = box_iou(proposals, proposals).fill_diagonal_(0).max().item()
    assert most[0.1] <= 0.1 < 0.5 < most[0.7] <= 0.7


def test_long_side_has_a_limit() -> None:
    from chromseg.models.ucrd_net.images import make_batch

    batch = make_batch([torch.rand(1, 50, 200)], min_size=100, max_size=240)
    assert batch.sizes == [(60, 240)]
    assert batch.tensors.shape == (1, 1, 64, 256)
    assert batch.factors[0].tolist() == pytest.approx([1.2, 1.2, 1.2, 1.2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": (3, 2)}, r"model\.levels.*ascending"),
        ({"levels": ()}, r"model\.levels"),
        ({"levels": (2, 4)}, r"model\.levels.*without gaps"),
        ({"levels": (1, 2)}, r"model\.levels"),
        ({"levels": (2, 3, 4)}, r"model\.deepest` is 3; expected at least the last"),
        ({"deepest": 6}, r"model\.deepest"),
        ({"norm": "frozen"}, r"model\.norm.*weights"),
        ({"region_scale": 0.0}, r"model\.region_scale"),
        ({"correction": 1.5}, r"model\.correction"),
        ({"cascade": (0.6, 1.0)}, r"model\.cascade"),
        ({"mask_stages": 2}, r"model\.mask_stages` is 2; expected 1 to 1"),
        ({"damping": -1.0}, r"model\.damping"),
        ({"voting": -1.0}, r"model\.voting"),
        ({"nms_iou": 0.0}, r"model\.nms_iou"),
        ({"rpn_nms_iou": 0.0}, r"model\.rpn_nms_iou"),
        ({"rpn_nms_iou": 1.1}, r"model\.rpn_nms_iou"),
        ({"score_min": 1.0}, r"model\.score_min"),
        ({"rpn_candidates": (5,)}, r"model\.rpn_candidates.*two numbers"),
        ({"rpn_proposals": (5,)}, r"model\.rpn_proposals.*two numbers"),
        ({"fpn_width": 0}, r"model\.fpn_width"),
        ({"mask_convolutions": -1}, r"model\.mask_convolutions"),
        ({"classes": 0}, r"model\.classes"),
        ({"anchor_sizes": ()}, r"anchors `auto`.*with_fitted_anchors"),
        ({"anchor_ratios": ()}, r"anchors `auto`"),
        ({"anchor_sizes": ((16.0,), (20.0, 30.0))}, r"equally many"),
        ({"anchor_sizes": ((16.0,), (-1.0,))}, r"positive"),
    ],
)
def test_a_config_that_describes_no_network(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tiny(**changes)


def test_targets_that_do_not_fit() -> None:
    network, (image, target) = tiny(), scene(40, 40, [(2, 2, 9, 30)])
    assert target.masks is not None
    wrong = {
        "masks .* for 1 boxes": target._replace(masks=target.masks[:, :39]),
        "box without area": target._replace(boxes=torch.tensor([[5.0, 5, 5, 9]])),
        "label 0": target._replace(labels=torch.tensor([0])),
        "boxes .* and labels": target._replace(labels=torch.tensor([1, 1])),
    }
    for message, each in wrong.items():
        with pytest.raises(DataError, match=message):
            network.forward_losses([image], [each])
    with pytest.raises(DataError, match="2 images and 1 targets"):
        network.forward_losses([image, image], [target])


@pytest.mark.parametrize("images", [[torch.rand(3, 8, 8)], [torch.rand(8, 8)], []])
def test_what_is_no_grey_image_is_refused(images: list[torch.Tensor]) -> None:
    with pytest.raises(ModelError, match=r"expected float32 \(1, H, W\)"):
        tiny().eval().detect(images)


@pytest.mark.slow
@pytest.mark.parametrize("config", LEARNERS.values(), ids=LEARNERS)
def test_two_images_can_be_learnt_by_heart(config: DetectorConfig) -> None:
    """Crossing bars included: both come out, as masks and not only as boxes."""
    network = tiny(config, fpn_width=16, head_width=32, mask_width=16, mask_samples=16)
    images, targets = zip(scene(64, 64, BARS), scene(64, 64, [(40, 8, 50, 50), (6, 50, 36, 58)]), strict=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(300 if config.bottom_up else 200):  # what is carried up again takes longer to settle
        optimizer.zero_grad()
        network.forward_losses(images, targets)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
    from chromseg.models.ucrd_net import paste_masks

    for found, target in zip(network.eval().detect(images), targets, strict=True):
        assert target.masks is not None
        sure = found.take(found.class_scores > 0.5)
        masks = paste_masks(sure.roi_masks, sure.boxes, (64, 64))
        assert len(masks) == len(target.masks)
        common = torch.einsum("ahw,bhw->ab", masks.float(), target.masks.float())
        union = masks.sum(dim=(1, 2))[:, None] + target.masks.sum(dim=(1, 2))[None] - common
        assert ((common / union).max(dim=0).values > 0.7).all()
