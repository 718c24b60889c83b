"""What differs between the kinds of network that the one loop trains: samples, losses, and how an epoch is judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from chromseg.annotations.samples import Sample
from chromseg.config import TrainConfig
from chromseg.training.epochs import EpochSet, Item

Batch = dict[str, Any]


class TrainingTask(Protocol):
    """One kind of training; holds no state.

    Attributes:
        monitor: Metrics that choose the best epoch: the first of them that validation gives.
    """

    monitor: tuple[str, ...]

    def dataset(self, samples: Iterable[Sample], config: TrainConfig, seed: int) -> EpochSet:
        """The training set; reads the samples once, in order."""

    def settled(self, config: TrainConfig, dataset: EpochSet) -> TrainConfig:
        """The configuration with what is to be taken from the training set filled in."""

    def collate(self, items: list[Item]) -> Batch:
        """A batch of items; its "image" has one entry an item."""

    def move(self, batch: Batch, device: torch.device, layout: torch.memory_format) -> Batch:
        """The batch on a device."""

    def objective(self, network: nn.Module, config: TrainConfig) -> nn.Module:
        """Network and loss in one module: batch → named losses, "loss" their sum."""

    def kept(self, sample: Sample) -> Any:
        """What validation needs of a sample, as small as possible."""

    def check(self, config: TrainConfig, validation: Sequence[Any]) -> None:
        """Refuse validation samples that cannot choose an epoch (DataError)."""

    def judge(self, network: nn.Module, kept: Any, config: TrainConfig, device: torch.device) -> Any:
        """The score of one validation sample; small, because processes exchange it."""

    def summarize(self, scores: Sequence[Any]) -> dict[str, float | None]:
        """Metrics `val/…` of all scores."""
