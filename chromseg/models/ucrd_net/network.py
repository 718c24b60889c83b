"""UCRD-Net (Fan et al. 2025): Mask R-CNN with uncertainty correction (UC) and region decomposition (RD).

backbone → FPN → proposals → box head (class, box, σ) → NMS by corrected score → mask head on five regions of each box.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import DetectorConfig
from chromseg.errors import ModelError
from chromseg.models.ucrd_net import box_head, mask_head
from chromseg.models.ucrd_net.backbone import Backbone
from chromseg.models.ucrd_net.box_head import BoxHead, box_losses
from chromseg.models.ucrd_net.check import check_config
from chromseg.models.ucrd_net.detection import ScoredBoxes, mask_nms, read_boxes, suppress
from chromseg.models.ucrd_net.fpn import FeaturePyramid
from chromseg.models.ucrd_net.ignoring import Unknown
from chromseg.models.ucrd_net.images import ImageBatch, make_batch
from chromseg.models.ucrd_net.mask_head import SIDE, MaskHead, mask_loss, mask_targets
from chromseg.models.ucrd_net.mask_scoring import MaskScoringHead, mask_iou_targets
from chromseg.models.ucrd_net.region import RegionMaps
from chromseg.models.ucrd_net.rois import pool_rois
from chromseg.models.ucrd_net.rpn import ProposalNetwork
from chromseg.models.ucrd_net.sampling import Samples, sample_proposals, take_positive
from chromseg.models.ucrd_net.targets import Detections, Target, check_targets

Submodule = TypeVar("Submodule", bound=nn.Module)


class Look(NamedTuple):
    """What the network sees in images before it decides which boxes stay; neither λ nor NMS changes it.

    Attributes:
        batch: The images.
        features: float32 (B, C, h, w) of each level.
        proposals: float32 (R, 4) of each image, in the batch's pixels.
        answers: What the box head says of them, image by image.
    """

    batch: ImageBatch
    features: list[Tensor]
    proposals: list[Tensor]
    answers: list[box_head.BoxPrediction]


class UCRDNet(nn.Module):
    """The network of any variant.

    Parts that two variants share start from equal weights under one seed, whatever else either has.

    Args:
        config: Of the variant; kept as `.config`. Its `weights` are not read here but by `build_model`.

    Raises:
        ConfigError: It describes no network.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        check_config(config)
        self.config = config
        seed = int(torch.randint(2**31, (), device="cpu"))
        self.backbone = _seeded(seed, "backbone", lambda: Backbone.of(config))
        channels = self.backbone.channels
        self.fpn = _seeded(
            seed, "fpn", lambda: FeaturePyramid(channels, config.fpn_width, config.levels, config.head_norm)
        )
        self.rpn = _seeded(seed, "rpn", lambda: ProposalNetwork(config))
        self.box_head = _seeded(seed, "box", lambda: BoxHead(config))
        self.mask_head = _seeded(seed, "mask", lambda: MaskHead(config))
        self.mask_scoring = (
            _seeded(seed, "mask scoring", lambda: MaskScoringHead(config)) if config.mask_scoring else None
        )

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target]) -> dict[str, Tensor]:
        """The same as `forward_losses`; distribution and compilation wrap this name."""
        return self.forward_losses(images, targets)

    def forward_losses(self, images: Sequence[Tensor], targets: Sequence[Target]) -> dict[str, Tensor]:
        """Losses of a batch, by name.

        Args:
            images: float32 (1, H, W) each, absorbance, of any size.
            targets: One each.

        Returns:
            Scalars "rpn_objectness", "rpn_box", "class", "box", "mask", with UC "box_nll", with mask scoring
            "mask_score", and "loss", their sum. All are there for any batch, and each parameter has a gradient: what
            there is nothing to learn from is 0, such as "mask" where no target has masks.

        Raises:
            ModelError: An image is not (1, H, W).
            DataError: A target does not fit its image.
        """
        check_targets(images, targets)
        batch, features = self._features(images)
        boxes = [target.boxes * factor for target, factor in zip(targets, batch.factors, strict=True)]
        losses: dict[str, Tensor]
        unknown = [Unknown(target.ignored, factor) for target, factor in zip(targets, batch.factors, strict=True)]
        proposals, losses = self.rpn(batch, features, boxes, unknown)
        with torch.no_grad():
            labels = [target.labels for target in targets]
            samples = sample_proposals(proposals, boxes, labels, self.config.box_samples, unknown)
        losses |= box_losses(self._box_head(features, [each.boxes for each in samples]), samples, boxes)
        losses |= self._mask_losses(features, samples, targets, batch.factors)
        total = torch.stack(list(losses.values())).sum()
        return {**losses, "loss": total}

    @torch.no_grad()
    def detect(self, images: Sequence[Tensor], *, correction: float | None = None) -> list[Detections]:
        """Find the chromosomes of each image; the network should be in evaluation mode.

        Args:
            images: float32 (1, H, W) each, absorbance, of any size.
            correction: λ of eq. 11 instead of the configured one.

        Returns:
            One each, in its own pixels.

        Raises:
            ModelError: An image is not (1, H, W).
        """
        return self.decide(self.look(images), correction=correction)

    @torch.no_grad()
    def look(self, images: Sequence[Tensor]) -> Look:
        """The first part of `detect`, and most of its time: all up to the box head's answers."""
        batch, features = self._features(images)
        proposals, _ = self.rpn(batch, features)
        pred = self._box_head(features, proposals)
        return Look(batch, features, proposals, pred.split([len(each) for each in proposals]))

    @torch.no_grad()
    def decide(self, look: Look, *, correction: float | None = None) -> list[Detections]:
        """The second part of `detect`: which boxes stay, and their masks."""
        lam = self.config.correction if correction is None else correction
        found = [
            suppress(read_boxes(own, each, size, self.config, lam), self.config)
            for own, each, size in zip(look.answers, look.proposals, look.batch.sizes, strict=True)
        ]
        masks, fits = self._masks(look.features, [each.boxes for each in found])
        return [self._finish(*each) for each in zip(found, masks, fits, look.batch.factors, strict=True)]

    @torch.no_grad()
    def region_maps(self, image: Tensor, boxes: Tensor) -> RegionMaps:
        """What RD makes of boxes (R, 4) of an image float32 (1, H, W); Fig. 7 draws it.

        Raises:
            ModelError: The network is without RD.
        """
        if self.mask_head.region is None:
            raise ModelError(
                "region maps of a network without region decomposition",
                expected="`model.region` decomposed or learned",
                remedy="choose another model",
            )
        batch, features = self._features([image])
        maps: RegionMaps = self.mask_head.region(
            features, [boxes * batch.factors[0]], self.config.levels, mask_head.GRID
        )
        return maps

    def _features(self, images: Sequence[Tensor]) -> tuple[ImageBatch, list[Tensor]]:
        config = self.config
        batch = make_batch(images, zoom=config.zoom, min_size=config.min_size, max_size=config.max_size)
        return batch, [feature.float() for feature in self.fpn(self.backbone(batch.tensors))]

    def _box_head(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> box_head.BoxPrediction:
        pred: box_head.BoxPrediction = self.box_head(pool_rois(features, boxes, self.config.levels, box_head.GRID))
        return pred

    def _mask_losses(
        self,
        features: Sequence[Tensor],
        samples: Sequence[Samples],
        targets: Sequence[Target],
        factors: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        counts = [0 if target.masks is None else self.config.mask_samples for target in targets]
        chosen = [take_positive(each, count) for each, count in zip(samples, counts, strict=True)]
        x = self.mask_head.read(features, [each.boxes for each in chosen])
        logits = self.mask_head(x)
        own = [each.boxes / factor for each, factor in zip(chosen, factors, strict=True)]  # in the masks' pixels
        wanted, areas = _mask_truth(targets, chosen, own)
        losses = {"mask": mask_loss(logits, wanted)}
        if self.mask_scoring is not None:
            fit = mask_iou_targets(logits.detach(), wanted, areas, torch.cat(own))
            error = functional.mse_loss(self.mask_scoring(x, logits), fit, reduction="sum")
            losses["mask_score"] = error / max(1, len(fit))
        return losses

    def _masks(
        self, features: Sequence[Tensor], boxes: Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], Sequence[Tensor | None]]:
        """Probabilities (D, 28, 28) for each image, and with mask scoring the IoUs (D,) they are thought to have."""
        counts = [len(each) for each in boxes]
        x = self.mask_head.read(features, boxes)
        logits = self.mask_head(x)
        if self.mask_scoring is None:
            return logits.sigmoid().split(counts), [None] * len(counts)
        return logits.sigmoid().split(counts), self.mask_scoring(x, logits).clamp(0, 1).split(counts)

    def _finish(self, found: ScoredBoxes, masks: Tensor, fit: Tensor | None, factor: Tensor) -> Detections:
        result = Detections(*found, roi_masks=masks)
        if fit is not None:
            scores = result.scores * fit
            result = result._replace(scores=scores).take(scores.argsort(descending=True, stable=True))
        if self.config.nms == "mask":
            kept = mask_nms(result.roi_masks, result.boxes, result.scores, self.config.nms_iou)
            result = result.take(kept[: self.config.detections])
        return result._replace(boxes=result.boxes / factor)


def _mask_truth(targets: Sequence[Target], chosen: Sequence[Samples], boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """True masks (R, 28, 28) inside the chosen boxes of all images, and areas (R,) of the whole masks."""
    grids, areas = [boxes[0].new_zeros(0, SIDE, SIDE)], [boxes[0].new_zeros(0)]
    for target, each, own in zip(targets, chosen, boxes, strict=True):
        if target.masks is not None and len(own):
            grids.append(mask_targets(target.masks, own, each.matched))
            areas.append(target.masks.flatten(1).sum(dim=1)[each.matched].to(own))
    return torch.cat(grids), torch.cat(areas)


def _seeded(seed: int, name: str, make: Callable[[], Submodule]) -> Submodule:
    """What `make` gives with random numbers that depend on nothing but `seed` and `name`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed ^ zlib.crc32(name.encode()))
        return make()
