"""Teaches a corrector on outlines that a cascade's explanations gave of training metaphases."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from chromseg.models.corrector import Corrector
from chromseg.training.candidates import Batch, Candidates, train_on

_EPOCHS, _BATCH = 3, 32
_LEAST = 0.4  # IoU from which an outline says which chromosome it means
_PIXELS = 6.0  # weight of the cross-entropy of all pixels beside the Dice loss of an outline


def train_corrector(candidates: Candidates, seed: int = 0) -> Corrector:
    """Train a corrector: the chromosome that each outline means; arguments as of `train_on`."""
    meant = candidates.those(candidates.ious >= _LEAST)
    return train_on(meant, Corrector, _loss, epochs=_EPOCHS, batch=_BATCH, seed=seed)


def _loss(network: Corrector, batch: Batch) -> Tensor:
    """Cross-entropy of the pixels and Dice loss of the outlines, mean of (N, *SIZE) each."""
    logits: Tensor = network(batch.views)
    drawn, pixels = logits.sigmoid(), (1, 2)
    common, both = (drawn * batch.truths).sum(pixels), drawn.sum(pixels) + batch.truths.sum(pixels)
    dice = 1 - (2 * common + 1) / (both + 1)
    entropy = functional.binary_cross_entropy_with_logits(logits, batch.truths)
    return _PIXELS * entropy + dice.mean()
