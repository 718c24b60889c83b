"""UCRD-Net: a detector finds box, score and mask of each chromosome in the whole picture at once."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Self

import numpy as np
import torch

from chromseg.annotations.maps import largest_region
from chromseg.arrays import F32, Bool
from chromseg.boxes import Window
from chromseg.config import DetectorConfig
from chromseg.images.field import field_of
from chromseg.images.tone import toned
from chromseg.inference.found import Found, in_reading_order, median_width
from chromseg.inference.predictor import Predictor
from chromseg.models.ucrd_net import STRIDE, Detections, UCRDNet, paste_masks
from chromseg.partition.cluster import NEEDS_REVIEW

BOX_ONLY = "box-only"


@dataclass(frozen=True)
class InstanceSettings:
    """Chosen on validation cases; kept in a model's card under `preprocessing.instances`.

    Attributes:
        score: Least class score of a chromosome. (The corrected score of UC ranks; how sure a box is is no reason to
            believe in a chromosome.)
        duplicate: Of two masks that share this part of the smaller one, the one with the lower score is dropped; two
            chromosomes that cross share far less.
        doubtful: Class score below which a chromosome is flagged for review.
        pixel: Least probability of a pixel of its mask.
        boxes_only: No training image had masks, so the mask head knows nothing: every mask is the rectangle of its box,
            flagged `box-only`, and none counts as a duplicate of another.
    """

    score: float = 0.5
    duplicate: float = 0.8
    doubtful: float = 0.7
    pixel: float = 0.5
    boxes_only: bool = False


@dataclass(frozen=True)
class InstancePredictor(Predictor):
    """A loaded detector, in evaluation mode."""

    network: UCRDNet = field(kw_only=True)

    def solve(self, absorbance: F32, answer: Detections, most: int | None = None) -> Found:
        """Draw each mask at its place."""
        return self.instances(answer, absorbance.shape)

    def found_width(self, answer: Detections) -> float | None:
        """The median width of what it would hand out, of whole fields with eight or more; rectangles tell none."""
        if self.settings.boxes_only:
            return None
        right, lower = answer.boxes[:, 2:].amax(dim=0).ceil().int().tolist() if len(answer.boxes) else (1, 1)
        return median_width(self.instances(answer, (lower, right)).masks)

    def conclude(self, absorbance: F32, answer: Detections) -> tuple[Found, Found]:
        """The sure instances, and every detection."""
        everything = replace(self.settings, score=0.0, duplicate=math.inf)
        return self.instances(answer, absorbance.shape), self.instances(answer, absorbance.shape, everything)

    @torch.inference_mode()
    def infer(self, absorbance: F32) -> Detections:
        """Run the network: float32 (H, W) → all detections above its own, low threshold."""
        picture = self.for_network(absorbance)
        rows, cols = self._field(picture)
        turned = self.seen_turned(absorbance.size)
        (detections,) = self.network.detect([picture[:, rows, cols]], half_turn=turned)
        return detections._replace(boxes=detections.boxes + detections.boxes.new_tensor([cols.start, rows.start] * 2))

    def for_network(self, absorbance: F32) -> torch.Tensor:
        """The picture float32 (1, H, W), in the model's tone, where the network is."""
        return torch.from_numpy(np.ascontiguousarray(toned(absorbance, self.tone)))[None].to(self.device)

    def _field(self, picture: torch.Tensor) -> Window:
        """Where anything lies in float32 (1, H, W); all of it for a network that brings every picture to one size."""
        config = self.card.architecture
        one_size = isinstance(config, DetectorConfig) and bool(config.min_size or config.max_size)
        tone = 0.0 if one_size else self.tone
        return field_of(picture[0].cpu().numpy(), tone, STRIDE)

    @torch.inference_mode()
    def instances(
        self, detections: Detections, shape: tuple[int, ...], settings: InstanceSettings | None = None
    ) -> Found:
        """Paste the masks of what is sure enough, and leave out what was found twice.

        Args:
            detections: Of one picture.
            shape: (H, W) of the picture.
            settings: Default: the card's.
        """
        settings = settings or self.settings
        sure = detections.take(torch.nonzero(detections.class_scores >= settings.score).flatten()).to("cpu")
        masks = self.masks_of(sure, shape, settings)
        uncertainty = [None] * len(masks) if sure.uncertainty is None else sure.uncertainty.tolist()
        always = (BOX_ONLY,) if settings.boxes_only else ()
        doubts = [(NEEDS_REVIEW,) if score < settings.doubtful else () for score in sure.class_scores.tolist()]
        flags = tuple((*doubt, *always) for doubt in doubts)
        boxes = sure.boxes.double().numpy()
        found = Found(masks, tuple(sure.scores.tolist()), flags, tuple(uncertainty), boxes=boxes)
        return in_reading_order(found.subset(self.distinct(masks, settings)))

    def masks_of(
        self, detections: Detections, shape: tuple[int, ...], settings: InstanceSettings | None = None
    ) -> Bool:
        """The masks of detections in a picture of (H, W) = `shape`: bool (D, H, W); rectangles if it knows no other."""
        settings = settings or self.settings
        if settings.boxes_only:
            detections = detections._replace(roi_masks=torch.ones_like(detections.roi_masks))
        return whole_masks(detections, shape, settings.pixel)

    def distinct(self, masks: Bool, settings: InstanceSettings | None = None) -> list[int]:
        """Which of bool (N, H, W), best first, are no duplicates: indices. Rectangles may well lie in one another."""
        settings = settings or self.settings
        return without_duplicates(masks, math.inf if settings.boxes_only else settings.duplicate)

    @property
    def settings(self) -> InstanceSettings:
        """What counts as found: the card's settings."""
        return InstanceSettings(**self.card.preprocessing.get("instances", {}))

    def with_settings(self, settings: InstanceSettings) -> Self:
        """The same network with other settings in its card."""
        preprocessing = {**self.card.preprocessing, "instances": asdict(settings)}
        return replace(self, card=replace(self.card, preprocessing=preprocessing))


def whole_masks(detections: Detections, shape: tuple[int, ...], pixel: float = 0.5) -> Bool:
    """The masks of detections in a picture of (H, W) = `shape`, each in one piece: bool (D, H, W).

    `pixel` is the least probability of a pixel of a mask.
    """
    size = (int(shape[0]), int(shape[1]))
    masks = paste_masks(detections.roi_masks, detections.boxes, size, threshold=pixel).cpu().numpy()
    return np.array([largest_region(mask) for mask in masks], dtype=bool).reshape(-1, *shape)


def without_duplicates(masks: Bool, share: float) -> list[int]:
    """Which of bool (N, H, W), best first, are not mostly one that was kept before: indices, ascending.

    Measured on the smaller of two masks, so a fragment of a kept chromosome goes too.
    """
    flat = masks.reshape(len(masks), math.prod(masks.shape[1:]))
    areas = flat.sum(axis=1)
    kept: list[int] = []
    for index in range(len(masks)):
        own = np.flatnonzero(flat[index])
        common = np.array([flat[other, own].sum() for other in kept])
        if areas[index] and not (common >= share * np.minimum(areas[kept], areas[index])).any():
            kept.append(index)
    return kept
