"""A drawn cell and a network that is a threshold: predictions whose every answer is known."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from chromseg.boxes import box_of
from chromseg.config import DetectorConfig, ModelConfig
from chromseg.inference.cascade import CascadePredictor
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.map_predictor import MapPredictor
from chromseg.inference.result import ModelIdentity
from chromseg.models.maps import Maps
from chromseg.models.package import ModelCard
from chromseg.models.ucrd_net import Detections

GROUND, SINGLE, CROSSED = 220, 120, 40  # grey levels: transmittance multiplies where two lie over one another
WIDTH = 11.0


class ThresholdNetwork(nn.Module):
    """Chromosome is what absorbs, crossing what absorbs nearly all."""

    def forward(self, x: Tensor) -> Maps:
        return Maps(40 * (x - 0.25), 40 * (x - 0.8), None)


def threshold_predictor() -> MapPredictor:
    card = ModelCard("drawn", ModelConfig("unet"), chromosome_width=WIDTH, chromosome_area=600)
    identity = ModelIdentity("drawn", "1", "w" * 64, {}, None, {}, "0")
    return MapPredictor(card, identity, network=ThresholdNetwork())


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


class RecallingNetwork(nn.Module):
    """A detector that gives what a test has set, whatever it is shown, at the size it is shown.

    Args:
        masks: bool (N, H, W) of a drawn cell.
        scores: Per mask; 0.95 each if none are given.
        uncertainty: Per mask, or None.
    """

    def __init__(self, masks: np.ndarray, scores: list[float] | None = None, uncertainty: list[float] | None = None):
        super().__init__()
        self.masks, self.scores, self.uncertainty = masks, scores or [0.95] * len(masks), uncertainty
        self.turned = False

    def detect(self, images: list[Tensor], *, half_turn: bool = False) -> list[Detections]:
        self.turned = half_turn
        order = np.argsort(-np.array(self.scores), kind="stable").tolist()
        factor = images[0].shape[-1] / self.masks.shape[-1]
        boxes = [[side * factor for side in box_of(self.masks[index])] for index in order]
        windows = [self.masks[index][y0:y1, x0:x1] for index in order for x0, y0, x1, y1 in [box_of(self.masks[index])]]
        scores = torch.tensor([self.scores[index] for index in order])
        found = Detections(
            boxes=torch.tensor(boxes).reshape(-1, 4),
            labels=torch.ones(len(order), dtype=torch.int64),
            scores=scores,
            class_scores=scores,
            uncertainty=None if self.uncertainty is None else torch.tensor([self.uncertainty[i] for i in order]),
            roi_masks=torch.tensor(np.array([grid_of(window) for window in windows])).reshape(-1, 28, 28),
        )
        return [found for _ in images]


def grid_of(window: np.ndarray) -> np.ndarray:
    """A mask bool (h, w) as the detector's grid float32 (28, 28)."""
    return np.asarray(Image.fromarray(window.astype(np.float32)).resize((28, 28), Image.Resampling.BILINEAR))


def recalling_predictor(masks: np.ndarray, **told: list[float] | None) -> InstancePredictor:
    card = ModelCard("recalled", DetectorConfig("ucrd-net"), chromosome_width=WIDTH, chromosome_area=600)
    identity = ModelIdentity("recalled", "1", "v" * 64, {}, None, {}, "0")
    return InstancePredictor(card, identity, network=RecallingNetwork(masks, **told))


def drawn_cascade(masks: np.ndarray, **told: list[float] | None) -> CascadePredictor:
    maps, detector = threshold_predictor(), recalling_predictor(masks, **told)
    return CascadePredictor(
        maps.card, ModelIdentity("both", "1", "u" * 64, {}, None, {}, "0"), maps=maps, detector=detector
    )
