"""What all training sets share: items that depend on seed, epoch and index alone, so that any of them can be redone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from chromseg.config import TrainConfig
from chromseg.errors import DataError

Item = dict[str, Any]


class EpochSet(Dataset[Item]):
    """Random items made of a fixed number of sources; what item `i` of an epoch is depends on seed, epoch and `i`.

    Sources take turns, or with `shares` those of a dataset get their share of the items.

    Args:
        config: The variant's configuration; optim.steps_per_epoch and optim.batch_size decide the length.
        seed: Of all random choices.
    """

    def __init__(self, config: TrainConfig, seed: int) -> None:
        self.config, self.seed, self.epoch = config, seed, 0
        self._shared: list[list[int]] = []

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

    def _share_out(self, datasets: Sequence[str]) -> None:
        """Give each dataset its share of the items.

        Args:
            datasets: Which one each source is of.

        Raises:
            DataError: One that has a share has no source.
        """
        for share in self.config.shares:
            own = [source for source, dataset in enumerate(datasets) if dataset == share.dataset]
            if not own:
                raise DataError(
                    f"no training samples of `{share.dataset}`, which has a share of the crops",
                    expected=f"one of {', '.join(sorted(set(datasets)))}",
                    remedy="correct `train.….shares`, or add the dataset to `prepare.datasets`",
                )
            self._shared.append(own)

    def _source(self, rng: np.random.Generator, index: int) -> int:
        """The source of item `index`: whose turn it is, or with shares one drawn by chance."""
        if not self._shared:
            return self._order(index)
        shares = np.array([share.share for share in self.config.shares])
        own = self._shared[rng.choice(len(shares), p=shares / shares.sum())]
        return own[rng.integers(len(own))]

    def _order(self, index: int) -> int:
        """Sources take turns, in a new order each round."""
        turn, place = divmod(index, self.sources)
        order = np.random.default_rng((self.seed, self.epoch, turn, self.sources)).permutation(self.sources)
        return int(order[place])
