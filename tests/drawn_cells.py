"""A drawn cell and a network that is a threshold: predictions whose every answer is known."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from chromseg.config import ModelConfig
from chromseg.inference.predictor import Predictor
from chromseg.inference.result import ModelIdentity
from chromseg.models.maps import Maps
from chromseg.models.package import ModelCard

GROUND, SINGLE, CROSSED = 220, 120, 40  # grey levels: transmittance multiplies where two lie over one another
WIDTH = 11.0


class ThresholdNetwork(nn.Module):
    """Chromosome is what absorbs, crossing what absorbs nearly all."""

    def forward(self, x: Tensor) -> Maps:
        return Maps(40 * (x - 0.25), 40 * (x - 0.8), None)


def threshold_predictor() -> Predictor:
    card = ModelCard("drawn", ModelConfig("unet"), chromosome_width=WIDTH, chromosome_area=600)
    return Predictor(ThresholdNetwork(), card, ModelIdentity("drawn", "1", "w" * 64, {}, None, {}, "0"))


def drawn_cell(size: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """A grey picture uint8 (size, size) of a cross and two singles, and their masks bool (4, size, size)."""
    masks = np.zeros((4, size, size), dtype=bool)
    masks[0, 30:41, 20:100] = True  # ─
    masks[1, 10:80, 50:61] = True  # │ across it
    masks[2, 120:180, 40:51] = True
    masks[3, 120:131, 100:170] = True
    picture = np.choose(masks.sum(axis=0), [GROUND, SINGLE, CROSSED])
    noise = np.random.default_rng(0).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8), masks
