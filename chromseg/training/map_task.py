"""Training of networks that predict maps: ChromSeg and its baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from chromseg.annotations.samples import Sample
from chromseg.config import ModelConfig, TrainConfig
from chromseg.errors import DataError
from chromseg.images.tone import toned
from chromseg.metrics import iou, mean_iou
from chromseg.models import MapNetwork, Maps, MixedWeightFocalLoss
from chromseg.models.losses import convolution_kernels
from chromseg.training.datasets import TrainingSet, coarser
from chromseg.training.epochs import EpochSet, Item
from chromseg.training.task import Batch

Score = tuple[float, float | None, float | None]


class Objective(nn.Module):
    """Network and loss in one module, because distribution and compilation wrap exactly one `forward`."""

    def __init__(self, network: MapNetwork, config: TrainConfig) -> None:
        super().__init__()
        self.network = network
        self.loss = MixedWeightFocalLoss(config.loss)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a batch: "image" and target maps, float32 (B, 1, H, W) each."""
        outputs = self.network.forward_all(batch["image"])
        losses: dict[str, Tensor] = self.loss(outputs, batch, convolution_kernels(self.network))
        return losses


class MapTask:
    """Crops with maps; judged by the IoU of the crossing maps."""

    monitor: tuple[str, ...] = ("val/iou_crossing",)

    def dataset(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> EpochSet:
        """Crops and their maps."""
        return TrainingSet(samples, config, seed)

    def settled(self, config: TrainConfig, dataset: EpochSet) -> TrainConfig:
        """The same configuration."""
        return config

    def collate(self, items: list[Item]) -> Batch:
        """Planes float32 (B, 1, crop, crop) by name."""
        return cast(Batch, default_collate(items))

    def move(self, batch: Batch, device: torch.device, layout: torch.memory_format) -> Batch:
        """All planes on the device."""
        return {name: plane.to(device, non_blocking=True, memory_format=layout) for name, plane in batch.items()}

    def objective(self, network: nn.Module, config: TrainConfig) -> nn.Module:
        """With Mixed-Weight Focal loss."""
        return Objective(cast(MapNetwork, network), config)

    def kept(self, sample: Sample) -> Sample:
        """The sample without its masks."""
        return dataclasses.replace(sample, masks=None)

    def check(self, config: TrainConfig, validation: Sequence[Sample]) -> None:
        """Refuse validation without any crossing."""
        if not any(sample.crossing.any() for sample in validation) and (validation or config.optim.patience):
            raise DataError(
                f"{len(validation)} validation samples, none with a crossing",
                expected="at least one, to choose the best epoch by",
                remedy="check the split, or train without validation samples and with optim.patience 0",
            )

    def judge(self, network: nn.Module, kept: Sample, config: TrainConfig, device: torch.device) -> Score:
        """Loss (levels and contact map left aside), crossing IoU and chromosome IoU at probability 0.5.

        Of pixels to be ignored, none counts.
        """
        loss = MixedWeightFocalLoss(dataclasses.replace(config.loss, phi=0.0))
        assert isinstance(config.model, ModelConfig)
        true_chromosome, true_crossing = (
            coarser(plane, config.model.fine) for plane in (kept.chromosome, kept.crossing)
        )
        image, chromosome, crossing = (
            torch.as_tensor(plane, dtype=torch.float32, device=device)[None, None]
            for plane in (toned(kept.image, config.tone), true_chromosome, true_crossing)
        )
        maps: Maps = network(image)._replace(contact=None)
        truth = {"chromosome": chromosome, "crossing": crossing}
        pred_crossing, pred_chromosome = ((one[0, 0] > 0).cpu().numpy() for one in (maps.crossing, maps.chromosome))
        if kept.ignored is not None:
            ignored = coarser(kept.ignored, config.model.fine)
            truth["ignored"] = torch.as_tensor(ignored, dtype=torch.float32, device=device)[None, None]
            pred_crossing, pred_chromosome = pred_crossing & ~ignored, pred_chromosome & ~ignored
            true_crossing, true_chromosome = true_crossing & ~ignored, true_chromosome & ~ignored
        value = loss([maps], truth)["loss"].item()
        return value, iou(pred_crossing, true_crossing), iou(pred_chromosome, true_chromosome)

    def summarize(self, scores: Sequence[Score]) -> dict[str, float | None]:
        """Means "val/loss", "val/iou_crossing", "val/iou_chromosome" (contract §5); no scores give an empty dict."""
        names = ("val/loss", "val/iou_crossing", "val/iou_chromosome")
        columns = zip(*scores, strict=True)
        return {name: mean_iou(column)[0] for name, column in zip(names, columns, strict=False)}
