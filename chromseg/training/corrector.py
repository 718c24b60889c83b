"""Teaches a corrector on outlines that a cascade's explanations gave of training metaphases."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from chromseg.models.corrector import Corrector
from chromseg.training.candidates import Candidates, shown

_EPOCHS, _BATCH = 3, 32
_RATE, _WEIGHT_DECAY = 3e-3, 1e-3
_LEAST = 0.4  # IoU from which an outline says which chromosome it means
_PIXELS = 6.0  # weight of the cross-entropy of all pixels beside the Dice loss of an outline


def train_corrector(candidates: Candidates, seed: int = 0) -> Corrector:
    """Train a corrector: the chromosome that each outline means, batch by batch of outlines drawn at random.

    Args:
        candidates: Of training cases.
        seed: Of weights and draws.

    Returns:
        The corrector in evaluation mode, on the CPU.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    network = Corrector().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_WEIGHT_DECAY)
    meant = candidates.those(candidates.ious >= _LEAST)
    steps = math.ceil(_EPOCHS * len(meant.ious) / _BATCH)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    often = meant.how_often
    for _ in range(steps):
        chosen = draw.choice(len(often), _BATCH, p=often)
        views, truths = shown(meant.views[chosen], meant.truths[chosen], draw)
        loss = _loss(network(views), truths)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        rates.step()
    return network.eval()


def _loss(logits: Tensor, truths: Tensor) -> Tensor:
    """Cross-entropy of the pixels and Dice loss of the outlines, mean of (N, *SIZE) each."""
    drawn, pixels = logits.sigmoid(), (1, 2)
    common, both = (drawn * truths).sum(pixels), drawn.sum(pixels) + truths.sum(pixels)
    dice = 1 - (2 * common + 1) / (both + 1)
    return _PIXELS * functional.binary_cross_entropy_with_logits(logits, truths) + dice.mean()
