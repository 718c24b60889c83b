"""What all training sets share: items that depend on seed, epoch and index alone, so that any of them can be redone."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from chromseg.config import TrainConfig

Item = dict[str, Any]


class EpochSet(Dataset[Item]):
    """Random items made of a fixed number of sources; what item `i` of an epoch is depends on seed, epoch and `i`.

    Args:
        config: The variant's configuration; optim.steps_per_epoch and optim.batch_size decide the length.
        seed: Of all random choices.
    """

    def __init__(self, config: TrainConfig, seed: int) -> None:
        self.config, self.seed, self.epoch = config, seed, 0

    @property
    @abstractmethod
    def sources(self) -> int:
        """How many sources take turns."""

    def __len__(self) -> int:
        optim = self.config.optim
        return optim.steps_per_epoch * optim.batch_size or self.sources

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose items follow."""
        self.epoch = epoch

    def _rng(self, index: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, self.epoch, index))

    def _order(self, index: int) -> int:
        """Sources take turns, in a new order each round."""
        turn, place = divmod(index, self.sources)
        order = np.random.default_rng((self.seed, self.epoch, turn, self.sources)).permutation(self.sources)
        return int(order[place])
