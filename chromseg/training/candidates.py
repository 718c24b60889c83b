"""Outlines, right and wrong, that a cascade gave of training metaphases: what its own networks learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chromseg.arrays import F32, F64, U8, Bool

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

    def those(self, which: Bool) -> Candidates:
        """Some of them, by bool (N,)."""
        return Candidates(*(getattr(self, each.name)[which] for each in fields(self)))

    @property
    def how_often(self) -> F64:
        """The probability float64 (N,) of drawing each: a stain of four times the outlines is drawn twice as often."""
        _, index, counts = np.unique(self.stains, return_inverse=True, return_counts=True)
        weights = 1 / np.sqrt(counts[index])
        return np.asarray(weights / weights.sum())


def shown(views: U8, truths: U8, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Views and truths as float 0–1, all turned or mirrored alike at random, each picture darker or paler.

    What lies along an outline has no upper end and no better side.
    """
    turned = [side for side in (-2, -1) if draw.random() < 0.5]
    seen, wanted = (torch.from_numpy(planes).float() / _FULL for planes in (views, truths))
    darker = torch.from_numpy(draw.uniform(*_DARKER, (len(views), 1, 1)).astype(np.float32))
    seen[:, 0] = (seen[:, 0] * darker).clamp(0, 1)
    return seen.flip(turned).contiguous(memory_format=torch.channels_last), wanted.flip(turned)
