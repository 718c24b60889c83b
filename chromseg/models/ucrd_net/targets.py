"""What the network learns from in an image, and what it finds in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from chromseg.errors import DataError


class Target(NamedTuple):
    """The chromosomes of one training image; there may be none.

    Attributes:
        boxes: float32 (N, 4), xyxy in pixels between the image's outer edges: a mask of one pixel has a box of side 1.
        labels: int64 (N,), from 1; background is 0.
        masks: uint8 or bool (N, H, W); None if only boxes are known, then the image trains no mask.
        ignored: uint8 or bool (H, W), pixels of which nothing is known; None where all is. What meets them is not held
            to be ground.
    """

    boxes: Tensor
    labels: Tensor
    masks: Tensor | None = None
    ignored: Tensor | None = None

    def to(self, device: torch.device | str) -> Target:
        """The same on `device`."""
        planes = (None if each is None else each.to(device, non_blocking=True) for each in (self.masks, self.ignored))
        return Target(self.boxes.to(device), self.labels.to(device), *planes)


class Detections(NamedTuple):
    """The chromosomes found in one image, best score first; D may be 0.

    Attributes:
        boxes: float32 (D, 4), xyxy in pixels of the image.
        labels: int64 (D,), from 1.
        scores: float32 (D,), 0–1: what they are ranked by. With UC, eq. 11; with mask scoring, times the mask's
            predicted IoU.
        class_scores: float32 (D,), 0–1: how sure it is that there is a chromosome; compare this with a threshold.
        uncertainty: float32 (D,), η of eq. 10; None without UC.
        roi_masks: float32 (D, M, M), probability of each cell of the box to be chromosome.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    class_scores: Tensor
    uncertainty: Tensor | None
    roi_masks: Tensor

    def take(self, index: Tensor) -> Detections:
        """Those at int64 or bool `index`, in its order."""
        return Detections(*(None if column is None else column[index] for column in self))  # type: ignore[arg-type]

    def to(self, device: torch.device | str) -> Detections:
        """The same on `device`."""
        return Detections(*(None if column is None else column.to(device) for column in self))  # type: ignore[arg-type]


def check_targets(images: Sequence[Tensor], targets: Sequence[Target]) -> None:
    """Refuse targets that do not belong to the images.

    Raises:
        DataError: Not one target an image, boxes without area, labels below 1, or masks of another size or number.
    """
    if len(images) != len(targets):
        raise DataError(
            f"{len(images)} images and {len(targets)} targets", expected="one each", remedy="pass both in one order"
        )
    for index, (image, target) in enumerate(zip(images, targets, strict=True)):
        problem = _problem(image, target)
        if problem:
            raise DataError(f"target {index} with {problem}", expected="a valid Target", remedy="correct the sample")


def _problem(image: Tensor, target: Target) -> str:
    boxes, labels, masks, ignored = target
    if boxes.ndim != 2 or boxes.shape[1] != 4 or labels.shape != boxes.shape[:1]:
        return f"boxes {tuple(boxes.shape)} and labels {tuple(labels.shape)}"
    if masks is not None and masks.shape != (len(boxes), *image.shape[-2:]):
        return f"masks {tuple(masks.shape)} for {len(boxes)} boxes in an image {tuple(image.shape)}"
    if ignored is not None and ignored.shape != image.shape[-2:]:
        return f"ignored pixels {tuple(ignored.shape)} in an image {tuple(image.shape)}"
    if len(boxes) and not bool((boxes[:, 2:] > boxes[:, :2]).all()):
        return "a box without area"
    if len(labels) and int(labels.min()) < 1:
        return f"label {int(labels.min())}"
    return ""
