"""Training of the network that names single chromosomes and says which end is up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import default_collate

from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, F64, Bool
from chromseg.config import AugmentConfig, TrainConfig
from chromseg.errors import DataError
from chromseg.karyogram.cell import STRIP, Strips
from chromseg.models.karyotype import KaryotypeNetwork, answers
from chromseg.training.augmentation import change_intensity, warp
from chromseg.training.cells import NamedCell, named_cell
from chromseg.training.epochs import EpochSet, Item
from chromseg.training.task import Batch
from chromseg.training.upright import upside_down

_SMOOTHING = 0.05  # of the labels, some of which are wrong
_SHIFT = 3.0  # px of the strip either way
_TONES = 0.2  # standard deviation of the logarithms of tone and contrast, at intensity 1


class StripSet(EpochSet):
    """Straightened chromosomes, either end up.

    Args:
        samples: With classes; at least one chromosome in all.
        config: Uses augment, optim and shares.
        seed: Of all random choices.

    Raises:
        DataError: No chromosomes, or no classes; or a dataset that has a share has none.
    """

    def __init__(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> None:
        super().__init__(config, seed)
        named = [(sample.dataset, named_cell(sample)) for sample in samples]
        cells = [cell for _, cell in named]
        if not any(len(each.labels) for each in cells):
            raise DataError("no chromosomes to train on", expected="at least one", remedy="check the split and kinds")
        self._strips = np.concatenate([each.cell.strips for each in cells])
        self._figures = np.concatenate([each.cell.figures for each in cells])
        self._labels = np.concatenate([each.labels for each in cells])
        self._turned = upside_down(self._strips, self._labels)
        self._share_out([dataset for dataset, cell in named for _ in cell.labels])

    @property
    def sources(self) -> int:
        """Number of chromosomes."""
        return len(self._labels)

    def __getitem__(self, index: int) -> Item:
        """Item `index`: "image" float32 (2, rows, columns), "figures" float32 (5,), "label" and "end" int64 ()."""
        rng = self._rng(index)
        source = self._source(rng, index)
        augment = self.config.augment
        matrix = strip_warp(rng, augment)
        shift = rng.uniform(-_SHIFT, _SHIFT, 2) * bool(augment.scale)
        strip = shown(self._strips[source], matrix, (float(shift[0]), float(shift[1])))
        strip[0] = change_intensity(rng, strip[0], augment.intensity) * strip[1]
        longer, wider = -np.log(np.abs(np.diag(matrix)))
        tones = _TONES * augment.intensity * rng.standard_normal(2)
        figures = self._figures[source] + np.array([longer, wider, longer + wider, *tones])
        return {
            "image": torch.from_numpy(strip),
            "figures": torch.from_numpy(figures.astype(np.float32)),
            "label": torch.tensor(int(self._labels[source])),
            "end": torch.tensor(int(self._turned[source] ^ (matrix[0, 0] < 0))),
        }


def strip_warp(rng: np.random.Generator, config: AugmentConfig) -> F64:
    """A random tilt, zoom along and across, mirroring and, where flips are asked for, the other end up.

    Returns:
        float64 (2, 2): from (row, column) offsets in the new strip to offsets in the old one.
    """
    tilt = math.radians(rng.uniform(-config.rotation, config.rotation))
    along, across = 1 + rng.uniform(-config.scale, config.scale, 2)
    end, side = rng.choice([-1.0, 1.0], 2) if config.flip else (1.0, 1.0)
    turn = np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    return np.asarray(np.diag([end / along, side / across]) @ turn)


def shown(strip: Strips, matrix: F64, shift: tuple[float, float] = (0.0, 0.0)) -> F32:
    """A strip uint8 (2, rows, columns) as the network sees it: float32 in 0–1, warped about its shifted middle."""
    middle = ((STRIP[0] - 1) / 2 + shift[0], (STRIP[1] - 1) / 2 + shift[1])
    return warp(strip, matrix, middle, STRIP) / np.float32(255)


class KaryotypeObjective(nn.Module):
    """Network and loss in one module."""

    def __init__(self, network: KaryotypeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of class and end together."""
        logits = self.network(batch["image"], batch["figures"]).float()
        target = batch["label"] * logits.shape[2] + batch["end"]
        return {"loss": functional.cross_entropy(logits.flatten(1), target, label_smoothing=_SMOOTHING)}


class KaryotypeTask:
    """Straightened chromosomes and their classes; judged by the accuracy at those whose outline is known."""

    monitor: tuple[str, ...] = ("val/accuracy",)

    def dataset(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> EpochSet:
        """Straightened chromosomes and their classes."""
        return StripSet(samples, config, seed)

    def settled(self, config: TrainConfig, dataset: EpochSet) -> TrainConfig:
        """The same configuration."""
        return config

    def collate(self, items: list[Item]) -> Batch:
        """Every entry stacked."""
        return cast(Batch, default_collate(items))

    def move(self, batch: Batch, device: torch.device, layout: torch.memory_format) -> Batch:
        """All on the device."""
        moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
        return moved | {"image": moved["image"].to(memory_format=layout)}

    def objective(self, network: nn.Module, config: TrainConfig) -> nn.Module:
        """With cross entropy."""
        return KaryotypeObjective(cast(KaryotypeNetwork, network))

    def kept(self, sample: Sample) -> NamedCell:
        """Its chromosomes alone."""
        return named_cell(sample)

    def check(self, config: TrainConfig, validation: Sequence[NamedCell]) -> None:
        """Refuse validation without a single chromosome whose outline is known."""
        if not any(kept.clean.any() for kept in validation) and (validation or config.optim.patience):
            raise DataError(
                f"{len(validation)} validation samples, none with a chromosome whose outline is known",
                expected="at least one, to choose the best epoch by",
                remedy="check the split, or train without validation samples and with optim.patience 0",
            )

    def judge(self, network: nn.Module, kept: NamedCell, config: TrainConfig, device: torch.device) -> Bool:
        """Which chromosomes of known outline are named right: bool (N,)."""
        strips, figures = kept.cell.strips[kept.clean], kept.cell.figures[kept.clean]
        found = answers(cast(KaryotypeNetwork, network), strips, figures, device)
        return np.asarray(found.sum(axis=2).argmax(axis=1) == kept.labels[kept.clean])

    def summarize(self, scores: Sequence[Bool]) -> dict[str, float | None]:
        """The share of them that are named right."""
        right = np.concatenate([np.zeros(0, dtype=bool), *scores])
        return {"val/accuracy": float(right.mean()) if right.size else None}
