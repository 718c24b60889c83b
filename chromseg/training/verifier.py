"""Teaches a verifier on outlines that a cascade's explanations gave of training metaphases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from chromseg.arrays import F32, U8
from chromseg.models.verifier import Verifier

_EPOCHS, _BATCH = 8, 128
_RATE, _WEIGHT_DECAY = 3e-3, 1e-3
_RIGHT, _CHANCE = 0.8, 0.05  # IoU of a right outline; so much above or below it is chance, not knowledge
_DARKER = (0.7, 1.4)  # factors on the picture's darkness


@dataclass(frozen=True)
class Candidates:
    """Outlines, right and wrong ones.

    Attributes:
        views: uint8 (N, PLANES, *SIZE), as of `inference.outline_views`.
        figures: float32 (N, FIGURES), as of `inference.verifying.figures_of`.
        ious: float32 (N,), with the chromosome that each shares most with; 0 where there is none.
        stains: str (N,), of their pictures.
    """

    views: U8
    figures: F32
    ious: F32
    stains: npt.NDArray[np.str_]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of several pictures, at least one."""
        columns = ([getattr(part, name) for part in parts] for name in ("views", "figures", "ious", "stains"))
        return cls(*map(np.concatenate, columns))


def train_verifier(candidates: Candidates, seed: int = 0) -> Verifier:
    """Train a verifier: logits of "right" and of the IoU, batch by batch of outlines drawn at random.

    A stain that has four times the outlines of another is drawn twice as often. What lies along an outline has no upper
    end and no better side, so views are turned and mirrored at random.

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
    often = how_often(candidates.stains)
    for _ in range(steps):
        chosen = draw.choice(len(often), _BATCH, p=often)
        figures, ious = (torch.from_numpy(column[chosen]) for column in (candidates.figures, candidates.ious))
        loss = _loss(network, _shown(candidates.views[chosen], draw), figures, ious)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        rates.step()
    return network.eval()


def _loss(network: Verifier, views: Tensor, figures: Tensor, ious: Tensor) -> Tensor:
    right, alike = network(views, figures)
    wanted = ((ious - _RIGHT) / (2 * _CHANCE) + 0.5).clamp(0, 1)
    return functional.binary_cross_entropy_with_logits(right, wanted) + functional.mse_loss(alike.sigmoid(), ious)


def _shown(views: U8, draw: np.random.Generator) -> Tensor:
    """Views float (B, PLANES, *SIZE), 0–1, all turned or mirrored alike, each picture darker or paler."""
    shown = torch.from_numpy(views).float() / 255
    sides = [side for side in (2, 3) if draw.random() < 0.5]
    darker = torch.from_numpy(draw.uniform(*_DARKER, (len(views), 1, 1)).astype(np.float32))
    shown[:, 0] = (shown[:, 0] * darker).clamp(0, 1)
    return shown.flip(sides).contiguous(memory_format=torch.channels_last)


def how_often(stains: npt.NDArray[np.str_]) -> npt.NDArray[np.float64]:
    """The probability float64 (N,) with which each outline is drawn."""
    _, index, counts = np.unique(stains, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[index])
    return np.asarray(weights / weights.sum())
