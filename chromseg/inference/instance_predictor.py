"""UCRD-Net: a detector finds box, score and mask of each chromosome in the whole picture at once."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Self

import numpy as np
import torch

from chromseg.annotations.maps import largest_region
from chromseg.arrays import F32, F64, I64, Bool
from chromseg.boxes import Window
from chromseg.config import DetectorConfig
from chromseg.images.field import field_of
from chromseg.images.tone import toned
from chromseg.inference.found import Found, in_reading_order, median_width
from chromseg.inference.predictor import Predictor
from chromseg.metrics.overlap import common_pixels
from chromseg.models.ucrd_net import STRIDE, Detections, UCRDNet, paste_masks
from chromseg.partition.cluster import NEEDS_REVIEW

BOX_ONLY = "box-only"
_LONE = 0.4  # share of a lone chromosome's mask that surer ones may have


@dataclass(frozen=True)
class InstanceSettings:
    """Chosen on validation cases; kept in a model's card under `preprocessing.instances`.

    Attributes:
        score: Least class score of a chromosome. (The corrected score of UC ranks; how sure a box is is no reason to
            believe in a chromosome.)
        lone: The same of one that lies mostly where no surer one does, so that without it something would be missing;
            None: as `score`.
        duplicate: Of two masks that share this part of the smaller one, the one with the lower score is dropped; two
            chromosomes that cross share far less.
        doubtful: Class score below which a chromosome is flagged for review.
        pixel: Least probability of a pixel of its mask.
        boxes_only: No training image had masks, so the mask head knows nothing: every mask is the rectangle of its box,
            flagged `box-only`, and none counts as a duplicate of another.
    """

    score: float = 0.5
    lone: float | None = None
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
        (detections,) = self.network.detect([picture[:, rows, cols]])
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
        least = settings.score if settings.lone is None else min(settings.score, settings.lone)
        sure = detections.take(torch.nonzero(detections.class_scores >= least).flatten()).to("cpu")
        masks = self.masks_of(sure, shape, settings)
        uncertainty = [None] * len(masks) if sure.uncertainty is None else sure.uncertainty.tolist()
        always = (BOX_ONLY,) if settings.boxes_only else ()
        doubts = [(NEEDS_REVIEW,) if score < settings.doubtful else () for score in sure.class_scores.tolist()]
        flags = tuple((*doubt, *always) for doubt in doubts)
        boxes = sure.boxes.double().numpy()
        found = Found(masks, tuple(sure.scores.tolist()), flags, tuple(uncertainty), boxes=boxes)
        kept = to_hand_out(common_pixels(masks), sure.class_scores.double().numpy(), settings)
        return in_reading_order(found.subset(kept))

    def masks_of(
        self, detections: Detections, shape: tuple[int, ...], settings: InstanceSettings | None = None
    ) -> Bool:
        """The masks of detections in a picture of (H, W) = `shape`: bool (D, H, W); rectangles if it knows no other."""
        settings = settings or self.settings
        if settings.boxes_only:
            detections = detections._replace(roi_masks=torch.ones_like(detections.roi_masks))
        return whole_masks(detections, shape, settings.pixel)

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


def to_hand_out(common: I64, class_scores: F64, settings: InstanceSettings) -> list[int]:
    """Which detections, best first, are handed out: indices, ascending.

    One that is mostly another that was kept before, by the smaller of the two masks, is not, so a fragment of a kept
    chromosome goes too. Rectangles may well lie in one another.

    Args:
        common: int64 (N, N), the pixels that each two of their masks have in common.
        class_scores: float64 (N,).
        settings: What is sure enough.
    """
    areas = np.diagonal(common)
    share = math.inf if settings.boxes_only else settings.duplicate
    kept: list[int] = []

    def is_new(index: int) -> bool:
        return bool(areas[index]) and not (common[index, kept] >= share * np.minimum(areas[index], areas[kept])).any()

    for index in np.flatnonzero(class_scores >= settings.score).tolist():
        if is_new(index):
            kept.append(index)
    if settings.lone is None or settings.boxes_only:
        return kept
    for index in np.flatnonzero((class_scores >= settings.lone) & (class_scores < settings.score)).tolist():
        if is_new(index) and common[index, kept].sum() < _LONE * areas[index]:
            kept.append(index)
    return sorted(kept)
