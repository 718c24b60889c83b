"""Training of detectors: UCRD-Net, its baseline and its variants."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, U8, Bool
from chromseg.config import DetectorConfig, TrainConfig
from chromseg.errors import DataError
from chromseg.images.tone import toned
from chromseg.metrics import (
    InstanceScore,
    counted_boxes,
    counted_masks,
    score_boxes,
    score_instances,
    summarize_instances,
)
from chromseg.metrics.catalogue import BY_EPOCH
from chromseg.models.ucrd_net import UCRDNet, paste_masks
from chromseg.models.ucrd_net.anchors import FITTED, with_fitted_anchors
from chromseg.training.epochs import EpochSet, Item
from chromseg.training.instances import InstanceSet
from chromseg.training.task import Batch


@dataclass(frozen=True)
class Kept:
    """A validation sample: image float32 (H, W), and the truth as packed masks uint8 (N, H, ⌈W / 8⌉) or as boxes."""

    name: str
    case_id: str
    image: F32
    packed: U8 | None
    boxes: F32 | None
    ignored: Bool | None = None


class InstanceObjective(nn.Module):
    """Network and losses in one module, because distribution and compilation wrap exactly one `forward`."""

    def __init__(self, network: UCRDNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of each branch by name, "loss_rpn_box" say, and "loss", their sum."""
        losses = self.network.forward_losses(batch["image"], batch["target"])
        return {name if name == "loss" else f"loss_{name}": value for name, value in losses.items()}


class InstanceTask:
    """Whole metaphases or crops of them with their instances; judged by average precision."""

    monitor: tuple[str, ...] = ("val/mask_map", "val/box_map")  # AP50 saturates while masks still grow better

    def dataset(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> EpochSet:
        """Crops with boxes, classes and masks."""
        return InstanceSet(samples, config, seed)

    def settled(self, config: TrainConfig, dataset: EpochSet) -> TrainConfig:
        """With anchors that are fitted, those that suit the training set's boxes."""
        model = cast(DetectorConfig, config.model)
        if model.anchors not in FITTED:
            return config
        return dataclasses.replace(config, model=with_fitted_anchors(model, cast(InstanceSet, dataset).boxes(model)))

    def collate(self, items: list[Item]) -> Batch:
        """Lists, because images and their targets have sizes of their own."""
        return {name: [item[name] for item in items] for name in ("image", "target")}

    def move(self, batch: Batch, device: torch.device, layout: torch.memory_format) -> Batch:
        """Images and targets on the device."""
        images = [image.to(device, non_blocking=True) for image in batch["image"]]
        return {"image": images, "target": [target.to(device) for target in batch["target"]]}

    def objective(self, network: nn.Module, config: TrainConfig) -> nn.Module:
        """The detector's own losses."""
        return InstanceObjective(cast(UCRDNet, network))

    def kept(self, sample: Sample) -> Kept:
        """Image and packed truth."""
        packed = None if sample.masks is None else np.packbits(sample.masks, axis=-1)
        return Kept(sample.name, sample.case_id, sample.image, packed, sample.boxes, sample.ignored)

    def check(self, config: TrainConfig, validation: Sequence[Kept]) -> None:
        """Refuse validation without any chromosome."""
        known = any(len(truth) for kept in validation for truth in (kept.packed, kept.boxes) if truth is not None)
        if not known and (validation or config.optim.patience):
            raise DataError(
                f"{len(validation)} validation samples, none with a chromosome",
                expected="at least one, to choose the best epoch by",
                remedy="check the split, or train without validation samples and with optim.patience 0",
            )

    def judge(self, network: nn.Module, kept: Kept, config: TrainConfig, device: torch.device) -> InstanceScore:
        """All detections that count compared with the truth, by masks, or by boxes where there are no others."""
        image = torch.as_tensor(toned(kept.image, config.tone), dtype=torch.float32, device=device)[None]
        (found,) = cast(UCRDNet, network).detect([image])
        scores = found.scores.double().cpu().numpy()
        if kept.packed is None:
            assert kept.boxes is not None
            boxes, true = found.boxes.double().cpu().numpy(), kept.boxes.astype(np.float64)
            counted = counted_boxes(boxes, true, kept.ignored)
            return score_boxes(kept.name, kept.case_id, boxes[counted], scores[counted], true)
        height, width = kept.image.shape
        masks = paste_masks(found.roi_masks, found.boxes, (height, width)).cpu().numpy()
        truth = np.unpackbits(kept.packed, axis=-1, count=width).astype(bool)
        counted = counted_masks(masks, truth, kept.ignored)
        return score_instances(kept.name, kept.case_id, masks[counted], scores[counted], truth)

    def summarize(self, scores: Sequence[InstanceScore]) -> dict[str, float | None]:
        """Average precision of masks and boxes, and the share of crossing chromosomes that any detection covers."""
        metrics = summarize_instances(scores) if scores else {}
        return {f"val/{name}": metrics.get(name) for name in BY_EPOCH}
