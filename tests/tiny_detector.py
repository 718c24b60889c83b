"""The smallest detectors that have every part, and images of bars for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from chromseg.config import DetectorConfig
from chromseg.models.package import ModelCard, save_model
from chromseg.models.ucrd_net import Target, UCRDNet

TINY = DetectorConfig(
    "ucrd-net",
    backbone="efficientnet-lite0",
    levels=(2, 3),
    deepest=3,
    anchors="auto",
    anchor_sizes=((16.0,), (28.0,)),
    anchor_ratios=(0.5, 1.0, 2.0),
    fpn_width=8,
    rpn_candidates=(60, 40),
    rpn_proposals=(60, 40),
    rpn_samples=32,
    head_width=16,
    box_samples=16,
    mask_width=8,
    mask_convolutions=1,
    mask_samples=8,
)
UCRD = dataclasses.replace(TINY, box_head="double", uncertainty=True, region="decomposed")
MASKS = dataclasses.replace(
    UCRD,
    region="none",
    mask_head="box-aware",
    mask_convolutions=4,
    mask_others=True,
    mask_detail=4,
    mask_boxes="refined",
    crossing_first=True,
)
CONDITIONAL = dataclasses.replace(MASKS, mask_head="conditional", mask_convolutions=1)
TABLE_1: dict[str, dict[str, object]] = {  # the detectors that the paper compares, beside Mask R-CNN and its own
    "mask-scoring": {"mask_scoring": True},
    "panet": {"bottom_up": True, "all_levels": True, "mask_head": "fused"},
    "cascade": {"cascade": (0.6, 0.7)},
    "htc": {"cascade": (0.6, 0.7), "mask_stages": 3, "semantic": True},
    "as-panet": {"bottom_up": True, "all_levels": True, "mask_head": "fused", "counting": True},
    "esnet": {"mask_edges": True},
    "rc-net": {"box_scoring": True, "mask_scoring": True, "nms": "mask"},
}
FULL = dataclasses.replace(UCRD, mask_scoring=True, nms="mask")

Bar = tuple[int, int, int, int]  # xyxy


def tiny(config: DetectorConfig = TINY, **changes: object) -> UCRDNet:
    torch.manual_seed(0)
    return UCRDNet(dataclasses.replace(config, **changes))  # type: ignore[arg-type]


def save_tiny(folder: Path, config: DetectorConfig = UCRD, **card: Any) -> Path:
    """Write a detector with random weights as a model folder; `card` has further entries of its card."""
    folder.mkdir(parents=True, exist_ok=True)
    save_model(folder, tiny(config).eval(), ModelCard(**({"name": "tiny", "architecture": config} | card)))
    return folder


def scene(height: int, width: int, bars: list[Bar], *, masks: bool = True) -> tuple[torch.Tensor, Target]:
    """An image of bars, darker where they cross, and its truth."""
    planes = torch.zeros(len(bars), height, width, dtype=torch.uint8)
    for plane, (left, top, right, bottom) in zip(planes, bars, strict=True):
        plane[top:bottom, left:right] = 1
    image = (0.5 * planes.sum(dim=0, keepdim=True)).float()
    boxes = torch.tensor(bars, dtype=torch.float32).reshape(-1, 4)
    return image, Target(boxes, torch.ones(len(bars), dtype=torch.int64), planes if masks else None)


BARS: list[Bar] = [(4, 6, 12, 40), (20, 10, 50, 20), (30, 4, 38, 44)]  # the last two cross
