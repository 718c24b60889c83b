"""Outlines, right and wrong, that a cascade gave of training metaphases: what its own networks learn from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from chromseg.arrays import F32, F64, I64, U8, Bool

Taught = TypeVar("Taught", bound=nn.Module)

_RATE, _WEIGHT_DECAY = 3e-3, 1e-3
_DARKER = (0.7, 1.4)  # factors on the picture's darkness
_FULL = 255


@dataclass(frozen=True)
class Candidates:
    """Outlines and what they ought to be.

    Attributes:
        views: uint8 (N, PLANES, *SIZE), as of `inference.outline_views`.
        figures: float32 (N, FIGURES), as of `inference.verifying.figures_of`.
        ious: float32 (N,), with the chromosome that each shares most with; 0 where there is none.
        truths: uint8 (N, *SIZE), that chromosome as the view of the outline shows it.
        stains: str (N,), of their pictures.
    """

    views: U8
    figures: F32
    ious: F32
    truths: U8
    stains: npt.NDArray[np.str_]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of several pictures, at least one."""
        columns = ([getattr(part, each.name) for part in parts] for each in fields(cls))
        return cls(*map(np.concatenate, columns))

    def those(self, which: Bool | I64) -> Candidates:
        """Some of them, by bool (N,) or by indices."""
        return Candidates(*(getattr(self, each.name)[which] for each in fields(self)))

    @property
    def how_often(self) -> F64:
        """The probability float64 (N,) of drawing each: a stain of four times the outlines is drawn twice as often."""
        _, index, counts = np.unique(self.stains, return_inverse=True, return_counts=True)
        weights = 1 / np.sqrt(counts[index])
        return np.asarray(weights / weights.sum())


class Batch(NamedTuple):
    """Outlines as networks are shown them in training: float tensors, planes 0–1."""

    views: Tensor
    figures: Tensor
    ious: Tensor
    truths: Tensor


def train_on(
    candidates: Candidates,
    network: Callable[[], Taught],
    loss: Callable[[Taught, Batch], Tensor],
    *,
    epochs: int,
    batch: int,
    seed: int,
) -> Taught:
    """Train a new network, batch by batch of outlines drawn at random.

    Args:
        candidates: Of training cases.
        network: Makes it.
        loss: Of the network on a batch.
        epochs: How often as many outlines are drawn as there are.
        batch: Outlines at once.
        seed: Of weights and draws.

    Returns:
        The network in evaluation mode, on the CPU.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    learning = network().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(learning.parameters(), _RATE, weight_decay=_WEIGHT_DECAY)
    steps = math.ceil(epochs * len(candidates.ious) / batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    often = candidates.how_often
    for _ in range(steps):
        chosen = candidates.those(draw.choice(len(often), batch, p=often))
        step = loss(learning, _shown(chosen, draw))
        optimizer.zero_grad()
        step.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        rates.step()
    return learning.eval()


def _shown(chosen: Candidates, draw: np.random.Generator) -> Batch:
    """Views and truths all turned or mirrored alike at random, each picture darker or paler.

    What lies along an outline has no upper end and no better side.
    """
    turned = [side for side in (-2, -1) if draw.random() < 0.5]
    views, truths = (torch.from_numpy(planes).float() / _FULL for planes in (chosen.views, chosen.truths))
    darker = torch.from_numpy(draw.uniform(*_DARKER, (len(views), 1, 1)).astype(np.float32))
    views[:, 0] = (views[:, 0] * darker).clamp(0, 1)
    return Batch(
        views.flip(turned).contiguous(memory_format=torch.channels_last),
        torch.from_numpy(chosen.figures),
        torch.from_numpy(chosen.ious),
        truths.flip(turned),
    )
