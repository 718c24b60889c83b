"""Cascade R-CNN (Cai and Vasconcelos, CVPR 2018): boxes are moved again, each time by a head that asks for more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import clip_boxes_to_image

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.box_head import CODER, BoxHead, BoxPrediction, box_losses
from chromseg.models.ucrd_net.ignoring import Unknown
from chromseg.models.ucrd_net.sampling import Samples, match_boxes

Read = Callable[[Sequence[Tensor]], Tensor]  # boxes of each image → RoI features
Round = tuple[list[Samples], BoxPrediction]


class BoxCascade(nn.Module):
    """The heads of the second and later stages, each trained at the IoU in `cascade`.

    Offsets are scaled alike in all stages, where the paper scales those of later stages up.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.stages = nn.ModuleList(BoxHead(config) for _ in config.cascade)

    def train_rounds(
        self,
        read: Read,
        first: Round,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        sizes: Sequence[tuple[int, int]],
        unknown: Sequence[Unknown],
    ) -> tuple[list[Round], dict[str, Tensor]]:
        """What each later stage trains on and says, and its losses, "class_2" say.

        Args:
            read: Gives the RoI features that stages read.
            first: Samples of the first stage, and what it says of them.
            boxes: True boxes (N, 4) of each image, in the batch's pixels.
            labels: Theirs.
            sizes: Of each image in the batch.
            unknown: What is not known of each.
        """
        rounds: list[Round] = [first]
        losses: dict[str, Tensor] = {}
        for number, (stage, iou) in enumerate(zip(self.stages, self.config.cascade, strict=True), 2):
            samples, pred = rounds[-1]
            moved = _moved(pred, [each.boxes for each in samples], sizes)
            again = [
                _known(match_boxes(own, true, label, iou), where)
                for own, true, label, where in zip(moved, boxes, labels, unknown, strict=True)
            ]
            pred = stage(read([each.boxes for each in again]))
            own_losses = box_losses(pred, again, boxes, self.config.uncertainty_training)
            losses |= {f"{name}_{number}": value for name, value in own_losses.items()}
            rounds.append((again, pred))
        return rounds, losses

    def refine(
        self, read: Read, proposals: list[Tensor], pred: BoxPrediction, sizes: Sequence[tuple[int, int]]
    ) -> tuple[list[Tensor], BoxPrediction]:
        """Boxes as they enter the last stage, and what it says of them; class scores are the mean over all stages."""
        scores = [pred.logits.softmax(dim=1)]
        for stage in self.stages:
            proposals = _moved(pred, proposals, sizes)
            pred = stage(read(proposals))
            scores.append(pred.logits.softmax(dim=1))
        return proposals, pred._replace(logits=torch.stack(scores).mean(dim=0).log())


def _moved(pred: BoxPrediction, boxes: Sequence[Tensor], sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
    deltas = torch.split(pred.deltas.detach(), [len(each) for each in boxes])
    return [
        clip_boxes_to_image(CODER.decode_single(own, each), size)
        for own, each, size in zip(deltas, boxes, sizes, strict=True)
    ]


def _known(samples: Samples, unknown: Unknown) -> Samples:
    """Those that are not on what is unknown, of boxes that have an area."""
    labels = unknown.left_out(samples.labels, samples.boxes)
    sides = samples.boxes[:, 2:] - samples.boxes[:, :2]
    return samples._replace(labels=labels).take((labels >= 0) & (sides >= 1).all(dim=1))
