"""From the box head's answers to the boxes that stay (before masks, in the batch's pixels)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import clip_boxes_to_image, nms

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.box_head import CODER, BoxPrediction
from chromseg.models.ucrd_net.nms import DUPLICATE_IOU, soft_nms
from chromseg.models.ucrd_net.uncertainty import box_uncertainty, corrected_score

_MIN_SIDE = 1.0  # pixels
_SPARE = 2  # times `detections` boxes at most go on to be suppressed by mask


class Boxes(NamedTuple):
    """Columns of `Detections` that are known before the masks; each (D, …)."""

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    class_scores: Tensor
    uncertainty: Tensor | None

    def take(self, index: Tensor) -> Boxes:
        """Those at int64 or bool `index`, in its order."""
        return Boxes(*(None if column is None else column[index] for column in self))  # type: ignore[arg-type]


def read_boxes(
    pred: BoxPrediction, proposals: Tensor, size: tuple[int, int], config: DetectorConfig, correction: float
) -> Boxes:
    """Every proposal's most likely class and its box, if sure enough.

    One proposal gives one box, of whatever class: a chromosome is of one kind only.

    Args:
        pred: The box head's answer to the proposals of one image.
        proposals: float32 (R, 4).
        size: Height and width of the image; boxes are cut there.
        config: Of the network.
        correction: λ of eq. 11, used with UC.
    """
    class_scores, best = pred.logits.softmax(dim=1)[:, 1:].max(dim=1)
    boxes = clip_boxes_to_image(CODER.decode_single(pred.deltas, proposals), size)
    uncertainty = None if pred.sigma is None else box_uncertainty(pred.sigma)
    scores = class_scores if uncertainty is None else corrected_score(class_scores, uncertainty, correction)
    sides = boxes[:, 2:] - boxes[:, :2]
    wanted = (class_scores >= config.score_min) & (sides >= _MIN_SIDE).all(dim=1)
    return Boxes(boxes, best + 1, scores, class_scores, uncertainty).take(wanted)


def suppress(found: Boxes, config: DetectorConfig) -> Boxes:
    """Non-maximum suppression by box, best score first. With `nms: mask` only duplicates go; masks decide the rest."""
    if config.nms == "soft":
        kept, factors = soft_nms(found.boxes, found.scores, found.class_scores, config.score_min)
        lowered = found.take(kept)
        lowered = lowered._replace(scores=lowered.scores * factors, class_scores=lowered.class_scores * factors)
        return lowered.take(torch.arange(min(len(kept), config.detections), device=kept.device))
    by_mask = config.nms == "mask"
    kept = nms(found.boxes, found.scores, max(config.nms_iou, DUPLICATE_IOU) if by_mask else config.nms_iou)
    return found.take(kept[: config.detections * (_SPARE if by_mask else 1)])
