"""Training of a classifier of single chromosomes: what a detector's backbone learns before it learns to detect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import default_collate

from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, F64, I64, U8, Bool
from chromseg.config import TrainConfig
from chromseg.errors import DataError
from chromseg.models.classifier import Classifier
from chromseg.training.augmentation import change_intensity, random_warp, warp
from chromseg.training.epochs import EpochSet, Item
from chromseg.training.task import Batch

_MARGIN = 4  # pixels around a box that belong to its patch
_JUDGED_AT_ONCE = 64

Plane = U8
Answers = I64


@dataclass(frozen=True)
class Patches:
    """The chromosomes of one image: absorbance × 255, uint8 (1, h, w) each, and their classes from 0, int64 (N,)."""

    planes: list[Plane]
    labels: Answers


def patches_of(sample: Sample) -> Patches:
    """Cut every box out, with a small margin.

    Raises:
        DataError: The sample has no boxes.
    """
    if sample.boxes is None or sample.labels is None:
        raise DataError(
            f"sample {sample.name} without classes",
            expected="boxes with the classes of chromosomes",
            remedy="pre-train on a dataset such as cil24",
        )
    height, width = sample.image.shape
    low = np.maximum(np.floor(sample.boxes[:, :2]).astype(int) - _MARGIN, 0)
    high = np.minimum(np.ceil(sample.boxes[:, 2:]).astype(int) + _MARGIN, (width, height))
    image = np.round(np.clip(sample.image, 0, 1) * 255).astype(np.uint8)
    planes = [image[None, y0:y1, x0:x1].copy() for (x0, y0), (x1, y1) in zip(low, high, strict=True)]
    return Patches(planes, sample.labels - 1)


class PatchSet(EpochSet):
    """Single chromosomes turned at random on an empty ground.

    Args:
        samples: With boxes and classes; at least one box in all.
        config: Uses crop (the side of an item), augment and optim.
        seed: Of all random choices.

    Raises:
        DataError: No boxes.
    """

    def __init__(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> None:
        super().__init__(config, seed)
        found = [patches_of(sample) for sample in samples]
        self._planes = [plane for patches in found for plane in patches.planes]
        self._labels = [int(label) for patches in found for label in patches.labels]
        if not self._planes:
            raise DataError("no boxes to train on", expected="at least one", remedy="check the split and kinds")

    @property
    def sources(self) -> int:
        """Number of chromosomes."""
        return len(self._planes)

    def __getitem__(self, index: int) -> Item:
        """Item `index`: "image" float32 (1, crop, crop), and "label" int64 () from 0."""
        rng, source = self._rng(index), self._order(index)
        matrix = random_warp(rng, self.config.augment)
        image = centred(self._planes[source], self.config.crop, matrix)
        image = change_intensity(rng, image, self.config.augment.intensity)
        return {"image": torch.from_numpy(image)[None], "label": torch.tensor(self._labels[source])}


def centred(plane: Plane, size: int, matrix: F64 | None = None) -> F32:
    """A patch uint8 (1, h, w) in the middle of an empty float32 (size, size) in 0–1, turned by `matrix` if given."""
    middle = ((plane.shape[1] - 1) / 2, (plane.shape[2] - 1) / 2)
    turned = warp(plane, np.eye(2) if matrix is None else matrix, middle, size)[0]
    return np.asarray(turned / np.float32(255), dtype=np.float32)


class ClassObjective(nn.Module):
    """Network and loss in one module, because distribution and compilation wrap exactly one `forward`."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of a batch."""
        return {"loss": functional.cross_entropy(self.network(batch["image"]).float(), batch["label"])}


class ClassTask:
    """Single chromosomes and their classes; judged by accuracy."""

    monitor: tuple[str, ...] = ("val/accuracy",)

    def dataset(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> EpochSet:
        """Single chromosomes and their classes."""
        return PatchSet(samples, config, seed)

    def settled(self, config: TrainConfig, dataset: EpochSet) -> TrainConfig:
        """The same configuration."""
        return config

    def collate(self, items: list[Item]) -> Batch:
        """Images float32 (B, 1, crop, crop) and labels int64 (B,)."""
        return cast(Batch, default_collate(items))

    def move(self, batch: Batch, device: torch.device, layout: torch.memory_format) -> Batch:
        """Both on the device."""
        image = batch["image"].to(device, non_blocking=True, memory_format=layout)
        return {"image": image, "label": batch["label"].to(device, non_blocking=True)}

    def objective(self, network: nn.Module, config: TrainConfig) -> nn.Module:
        """With cross entropy."""
        return ClassObjective(cast(Classifier, network))

    def kept(self, sample: Sample) -> Patches:
        """Its chromosomes alone."""
        return patches_of(sample)

    def check(self, config: TrainConfig, validation: Sequence[Patches]) -> None:
        """Refuse validation without a single chromosome."""
        if not any(len(kept.labels) for kept in validation) and (validation or config.optim.patience):
            raise DataError(
                f"{len(validation)} validation samples, none with a chromosome",
                expected="at least one, to choose the best epoch by",
                remedy="check the split, or train without validation samples and with optim.patience 0",
            )

    def judge(self, network: nn.Module, kept: Patches, config: TrainConfig, device: torch.device) -> Bool:
        """Which chromosomes are named right: bool (N,)."""
        return np.asarray(classify(network, kept, config.crop, device) == kept.labels)

    def summarize(self, scores: Sequence[Bool]) -> dict[str, float | None]:
        """The share of all chromosomes that are named right."""
        right = np.concatenate([np.zeros(0, dtype=bool), *scores])
        return {"val/accuracy": float(right.mean()) if right.size else None}


@torch.inference_mode()
def classify(network: nn.Module, patches: Patches, size: int, device: torch.device) -> Answers:
    """The class that a network in evaluation mode gives each chromosome, int64 (N,) from 0; some at a time."""
    answers = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(patches.planes), _JUDGED_AT_ONCE):
        images = np.stack([centred(plane, size) for plane in patches.planes[start : start + _JUDGED_AT_ONCE]])
        answers.append(network(torch.from_numpy(images)[:, None].to(device)).argmax(dim=1).cpu().numpy())
    return np.concatenate(answers)
