"""Teaches a verifier on outlines that a cascade's explanations gave of training metaphases."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from chromseg.models.verifier import Verifier
from chromseg.training.candidates import Candidates, shown

_EPOCHS, _BATCH = 8, 128
_RATE, _WEIGHT_DECAY = 3e-3, 1e-3
_RIGHT, _CHANCE = 0.8, 0.05  # IoU of a right outline; so much above or below it is chance, not knowledge


def train_verifier(candidates: Candidates, seed: int = 0) -> Verifier:
    """Train a verifier: logits of "right" and of the IoU, batch by batch of outlines drawn at random.

    Args:
        candidates: Of training cases.
        seed: Of weights and draws.

    Returns:
        The verifier in evaluation mode, on the CPU.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    network = Verifier().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_WEIGHT_DECAY)
    steps = math.ceil(_EPOCHS * len(candidates.ious) / _BATCH)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    often = candidates.how_often
    for _ in range(steps):
        chosen = draw.choice(len(often), _BATCH, p=often)
        figures, ious = (torch.from_numpy(column[chosen]) for column in (candidates.figures, candidates.ious))
        views, _ = shown(candidates.views[chosen], candidates.truths[chosen], draw)
        loss = _loss(network, views, figures, ious)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        rates.step()
    return network.eval()


def _loss(network: Verifier, views: Tensor, figures: Tensor, ious: Tensor) -> Tensor:
    right, alike = network(views, figures)
    wanted = ((ious - _RIGHT) / (2 * _CHANCE) + 0.5).clamp(0, 1)
    return functional.binary_cross_entropy_with_logits(right, wanted) + functional.mse_loss(alike.sigmoid(), ious)
