"""Teaches a verifier on outlines that a cascade's explanations gave of training metaphases."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from chromseg.models.verifier import Verifier
from chromseg.training.candidates import Batch, Candidates, train_on

_EPOCHS, _BATCH = 8, 128
_RIGHT, _CHANCE = 0.8, 0.05  # IoU of a right outline; so much above or below it is chance, not knowledge


def train_verifier(candidates: Candidates, seed: int = 0) -> Verifier:
    """Train a verifier: logits of "right" and of the IoU; arguments as of `train_on`."""
    return train_on(candidates, Verifier, _loss, epochs=_EPOCHS, batch=_BATCH, seed=seed)


def _loss(network: Verifier, batch: Batch) -> Tensor:
    right, alike = network(batch.views, batch.figures)
    wanted = ((batch.ious - _RIGHT) / (2 * _CHANCE) + 0.5).clamp(0, 1)
    certain = functional.binary_cross_entropy_with_logits(right, wanted)
    return certain + functional.mse_loss(alike.sigmoid(), batch.ious)
