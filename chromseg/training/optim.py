"""Optimizer, learning rate by step, and averaged weights."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from chromseg.config import OptimConfig

_MOMENTUM = 0.9


def make_optimizer(network: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Adam, AdamW, or SGD with momentum 0.9, over all parameters."""
    common: dict[str, Any] = {"lr": config.lr, "weight_decay": config.weight_decay}
    if config.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), momentum=_MOMENTUM, **common)
    if config.optimizer == "adamw":
        return torch.optim.AdamW(network.parameters(), **common)
    return torch.optim.Adam(network.parameters(), **common)


def learning_rate(config: OptimConfig, step: int, total: int) -> float:
    """The learning rate of step `step` of `total`, both counted over the whole training from 0.

    It rises linearly over the warm-up steps, then stays, or falls to 0 along half a cosine.
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.lr
    done = (step - config.warmup_steps) / max(1, total - config.warmup_steps)
    return config.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class AveragedNetwork:
    """Exponential moving average of a network's weights and batch-norm statistics.

    Early on the decay is (1 + n) / (10 + n) after n updates, so that the average forgets the initial weights.

    Args:
        network: The network that trains.
        decay: Share of the old average kept in each update, below 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for mean, value in zip(_state(self.network), _state(network), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def _state(network: nn.Module) -> list[Tensor]:
    return list(network.state_dict().values())
