"""UCRD-Net (Fan et al. 2025): Mask R-CNN with uncertainty correction (UC) and region decomposition (RD).

backbone → FPN → proposals → box head (class, box, σ) → NMS by corrected score → mask head on five regions of each box.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from chromseg.config import DetectorConfig
from chromseg.errors import ModelError
from chromseg.models.ucrd_net import box_head, mask_layer
from chromseg.models.ucrd_net.backbone import Backbone
from chromseg.models.ucrd_net.box_cascade import BoxCascade
from chromseg.models.ucrd_net.box_head import Answer, BoxHead, box_losses
from chromseg.models.ucrd_net.check import check_config
from chromseg.models.ucrd_net.convolution import convolution
from chromseg.models.ucrd_net.counting import CountingBranch
from chromseg.models.ucrd_net.detection import read_boxes, settle, with_masks
from chromseg.models.ucrd_net.features import Features
from chromseg.models.ucrd_net.fpn import FeaturePyramid
from chromseg.models.ucrd_net.half_turn import mean_answer, turned
from chromseg.models.ucrd_net.ignoring import Unknown
from chromseg.models.ucrd_net.images import ImageBatch, make_batch
from chromseg.models.ucrd_net.mask_boxes import choose_mask_boxes
from chromseg.models.ucrd_net.mask_from_boxes import losses_from_boxes
from chromseg.models.ucrd_net.mask_head import MaskHead
from chromseg.models.ucrd_net.mask_scoring import MaskScoringHead
from chromseg.models.ucrd_net.mask_training import mask_losses
from chromseg.models.ucrd_net.panet import BottomUpPath
from chromseg.models.ucrd_net.region import RegionMaps
from chromseg.models.ucrd_net.roi_reader import RoiReader
from chromseg.models.ucrd_net.rpn import ProposalNetwork
from chromseg.models.ucrd_net.sampling import sample_proposals
from chromseg.models.ucrd_net.seeding import seeded
from chromseg.models.ucrd_net.semantic import SemanticBranch
from chromseg.models.ucrd_net.targets import Detections, Target, check_targets


class Look(NamedTuple):
    """What the network sees in images before it decides which boxes stay; neither λ nor NMS changes it.

    Attributes:
        batch: The images.
        features: Of the images.
        answers: Of each image.
        turned: Features of the images turned by 180°, if these are seen too.
    """

    batch: ImageBatch
    features: Features
    answers: list[Answer]
    turned: Features | None = None


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
        self.backbone = seeded("backbone", lambda: Backbone.of(config), seed)
        channels = self.backbone.channels
        self.detail = None
        if config.mask_detail:
            self.detail = seeded("detail", lambda: convolution(channels[0], config.mask_detail, 1, norm="none"), seed)
            channels = channels[1:]
        self.fpn = seeded(
            "fpn", lambda: FeaturePyramid(channels, config.fpn_width, config.levels, config.head_norm), seed
        )
        self.bottom_up = seeded("bottom up", lambda: BottomUpPath(config), seed) if config.bottom_up else None
        self.semantic = seeded("semantic", lambda: SemanticBranch(config), seed) if config.semantic else None
        self.rpn = seeded("rpn", lambda: ProposalNetwork(config), seed)
        self.box_head = seeded("box", lambda: BoxHead(config), seed)
        self.box_reader = seeded("box reader", lambda: RoiReader(config, box_head.GRID), seed)
        self.cascade = seeded("cascade", lambda: BoxCascade(config), seed) if config.cascade else None
        self.counting = seeded("counting", lambda: CountingBranch(config), seed) if config.counting else None
        self.mask_head = seeded("mask", lambda: MaskHead(config), seed)
        self.mask_scoring = (
            seeded("mask scoring", lambda: MaskScoringHead(config), seed) if config.mask_scoring else None
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
            Scalars "rpn_objectness", "rpn_box", those of `box_losses` and `mask_losses`, of later stages with "_2" and
            so on, "count" and "semantic" where there are such branches, with `mask_from_boxes` those of
            `losses_from_boxes`, and "loss", their sum. All are there for any batch, and each parameter has a gradient:
            what there is nothing to learn from is 0, such as "mask" where no target has masks.

        Raises:
            ModelError: An image is not (1, H, W).
            DataError: A target does not fit its image.
        """
        check_targets(images, targets)
        batch, features = self.features(images)
        boxes = [target.boxes * factor for target, factor in zip(targets, batch.factors, strict=True)]
        losses: dict[str, Tensor]
        unknown = [Unknown(target.ignored, factor) for target, factor in zip(targets, batch.factors, strict=True)]
        proposals, losses = self.rpn(batch, features.levels, boxes, unknown)
        with torch.no_grad():
            labels = [target.labels for target in targets]
            samples = sample_proposals(proposals, boxes, labels, self.config.box_samples, unknown)
        x = self.box_reader(features, [each.boxes for each in samples])
        pred = self.box_head(x)
        losses |= box_losses(pred, samples, boxes, self.config.uncertainty_training)
        rounds = [(samples, pred)]
        if self.cascade is not None:
            read = partial(self.box_reader, features)
            rounds, later = self.cascade.train_rounds(read, rounds[0], boxes, labels, batch.sizes, unknown)
            losses |= later
        if self.counting is not None:
            losses["count"] = self.counting.loss(x, samples, boxes)
        if self.semantic is not None and features.semantic is not None:
            losses["semantic"] = self.semantic.loss(features.semantic, targets, batch)
        for stage, (own, said) in enumerate(rounds[-self.config.mask_stages :]):
            chosen = choose_mask_boxes(self.config, own, said, boxes, targets, batch.sizes)
            found = mask_losses(self.mask_head, self.mask_scoring, features, chosen, targets, batch.factors, stage)
            losses |= {f"{name}_{stage + 1}" if stage else name: value for name, value in found.items()}
        if weight := self.config.mask_from_boxes:
            most = self.config.mask_samples
            losses |= losses_from_boxes(self.mask_head, batch, features, boxes, targets, most, weight)
        total = torch.stack(list(losses.values())).sum()
        return {**losses, "loss": total}

    @torch.no_grad()
    def detect(
        self, images: Sequence[Tensor], *, correction: float | None = None, half_turn: bool = False
    ) -> list[Detections]:
        """Find the chromosomes of each image; the network should be in evaluation mode.

        Args:
            images: float32 (1, H, W) each, absorbance, of any size.
            correction: λ of eq. 11 instead of the configured one.
            half_turn: As of `look`.

        Returns:
            One each, in its own pixels.

        Raises:
            ModelError: An image is not (1, H, W).
        """
        return self.decide(self.look(images, half_turn=half_turn), correction=correction)

    @torch.no_grad()
    def look(self, images: Sequence[Tensor], *, half_turn: bool = False) -> Look:
        """The first part of `detect`, and most of its time: all up to the box head's answers.

        Args:
            images: As of `detect`.
            half_turn: Also see the images turned by 180°, and answer the mean of both, in nearly twice the time.
        """
        batch, features = self.features(images)
        proposals, _ = self.rpn(batch, features.levels)
        upright = self._answers(features, proposals, batch.sizes)
        if not half_turn:
            return Look(batch, features, upright)
        _, below = self.features([image.flip(1, 2) for image in images])
        places = [turned(own, size) for own, size in zip(proposals, batch.sizes, strict=True)]
        others = self._answers(below, places, batch.sizes)
        means = [mean_answer(*each) for each in zip(upright, others, batch.sizes, strict=True)]
        return Look(batch, features, means, below)

    @torch.no_grad()
    def decide(self, look: Look, *, correction: float | None = None) -> list[Detections]:
        """The second part of `detect`: which boxes stay, and their masks."""
        lam = self.config.correction if correction is None else correction
        found = [
            settle(read_boxes(answer, size, self.config, lam), self.config)
            for answer, size in zip(look.answers, look.batch.sizes, strict=True)
        ]
        drawn = self._masks(look.features, [each.boxes for each in found])
        results = [with_masks(*each, self.config) for each in zip(found, *drawn, look.batch.factors, strict=True)]
        return results if look.turned is None else self._drawn_turned_too(look.turned, look.batch, results)

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
        batch, features = self.features([image])
        maps: RegionMaps = self.mask_head.region(
            features.levels, [boxes * batch.factors[0]], self.config.levels, mask_layer.GRID
        )
        return maps

    def features(self, images: Sequence[Tensor]) -> tuple[ImageBatch, Features]:
        """Images float32 (1, H, W) as a batch, and what all heads read of it."""
        config = self.config
        batch = make_batch(images, zoom=config.zoom, min_size=config.min_size, max_size=config.max_size)
        seen = self.backbone(batch.tensors)
        detail = None if self.detail is None else self.detail(seen.pop(0)).float()
        levels = [feature.float() for feature in self.fpn(seen)]
        if self.bottom_up is not None:
            levels = [feature.float() for feature in self.bottom_up(levels)]
        semantic = None if self.semantic is None else self.semantic(levels[0])
        return batch, Features(levels, detail, semantic)

    def _answers(self, features: Features, proposals: list[Tensor], sizes: Sequence[tuple[int, int]]) -> list[Answer]:
        """What the last box head says, image by image."""
        read = partial(self.box_reader, features)
        pred = self.box_head(read(proposals))
        if self.cascade is not None:
            proposals, pred = self.cascade.refine(read, proposals, pred, sizes)
        return list(zip(proposals, pred.split([len(each) for each in proposals]), strict=True))

    def _drawn_turned_too(self, below: Features, batch: ImageBatch, found: list[Detections]) -> list[Detections]:
        """The same detections with masks that are the mean of both views."""
        boxes = [own.boxes * factor for own, factor in zip(found, batch.factors, strict=True)]
        masks, _ = self._masks(below, [turned(own, size) for own, size in zip(boxes, batch.sizes, strict=True)])
        return [
            own._replace(roi_masks=(own.roi_masks + other.flip(1, 2)) / 2)
            for own, other in zip(found, masks, strict=True)
        ]

    def _masks(self, features: Features, boxes: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor | None]]:
        """Probabilities (D, 28, 28) for each image, and with mask scoring the IoUs (D,) they are thought to have."""
        counts = [len(each) for each in boxes]
        rois = self.mask_head.read(features, boxes)
        logits = self.mask_head.predict(rois).own
        masks = torch.split(logits.sigmoid(), counts)
        if self.mask_scoring is None:
            return masks, [None] * len(counts)
        return masks, torch.split(self.mask_scoring(rois.x, logits).clamp(0, 1), counts)
