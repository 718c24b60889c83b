"""Box heads: class, offsets and, with UC, the uncertainty of each proposal; their losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder

from chromseg.config import DetectorConfig
from chromseg.models.ucrd_net.box_scoring import fit_loss
from chromseg.models.ucrd_net.convolution import convolution
from chromseg.models.ucrd_net.sampling import Samples
from chromseg.models.ucrd_net.uncertainty import gaussian_nll, to_sigma

GRID = 7  # side of the RoI features that are read
SCALE = (10.0, 10.0, 5.0, 5.0)  # what offsets of eq. 1 are multiplied by to be of unit size, as in Fast R-CNN
CODER = BoxCoder(SCALE)
_BETA = 1 / 9  # where smooth L1 turns from square to straight


class BoxPrediction(NamedTuple):
    """What a box head says of R proposals.

    Attributes:
        logits: float32 (R, classes + 1); 0 is background.
        deltas: float32 (R, 4), offsets times SCALE; the same whatever the class.
        sigma: float32 (R, 4), standard deviations of the offsets of eq. 1 (without SCALE); None without UC.
        fit: float32 (R,), logits of the IoU that the moved box will have; None without box scoring.
    """

    logits: Tensor
    deltas: Tensor
    sigma: Tensor | None
    fit: Tensor | None = None

    def split(self, counts: list[int]) -> list[BoxPrediction]:
        """The same image by image, of `counts` proposals each."""
        columns = ([None] * len(counts) if each is None else torch.split(each, counts) for each in self)
        return [BoxPrediction(*each) for each in zip(*columns, strict=True)]


Answer = tuple[
    Tensor, BoxPrediction
]  # boxes float32 (R, 4) of one image, in the batch's pixels, and what is said of them


class BoxHead(nn.Module):
    """RoI features → `BoxPrediction`.

    `two-fc`: two fully connected layers for both, as in Mask R-CNN. `double`: those for the class, two convolutions for
    the box (§2.2, after Wu et al., CVPR 2020); the uncertainty branch reads what the offsets read.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        width, hidden = config.fpn_width, config.head_width
        self.fully_connected = nn.Sequential(
            nn.Flatten(), nn.Linear(width * GRID**2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.classes = _linear(hidden, config.classes + 1, sd=0.01)  # drawn before what only some variants have
        self.convolutions = _convolutions(width, config.head_norm) if config.box_head == "double" else None
        read = hidden if self.convolutions is None else width * GRID**2
        self.offsets = _linear(read, 4, sd=0.001)
        self.uncertainty = _linear(read, 4, sd=0.001) if config.uncertainty else None
        self.scoring = _linear(read, 1, sd=0.001) if config.box_scoring else None
        self.detached = config.uncertainty_training == "detached"

    def forward(self, x: Tensor) -> BoxPrediction:
        """Predict from RoI features float (R, C, 7, 7)."""
        for_class = self.fully_connected(x)
        for_box = for_class if self.convolutions is None else self.convolutions(x)
        known = for_box.detach() if self.detached else for_box
        sigma = None if self.uncertainty is None else to_sigma(self.uncertainty(known))
        fit = None if self.scoring is None else self.scoring(for_box)[:, 0].float()
        return BoxPrediction(self.classes(for_class).float(), self.offsets(for_box).float(), sigma, fit)


def box_losses(
    pred: BoxPrediction, samples: Sequence[Samples], boxes: Sequence[Tensor], training: str = "joint"
) -> dict[str, Tensor]:
    """Losses of the box head (eq. 5, 7, 9).

    "class" is the cross entropy over classes and background, for one class eq. 9; "box" is smooth L1 on scaled offsets;
    "box_nll" (UC) eq. 5; "box_score" (RC-Net) `fit_loss`. "box" and "box_nll" are sums over proposals on chromosomes,
    divided by all, as in Fast R-CNN.

    Args:
        pred: For all `samples`, images one after the other.
        samples: Of each image.
        boxes: True boxes (N, 4) of each image.
        training: Of the uncertainty, as in `DetectorConfig`: joint, detached or tempered.
    """
    labels = torch.cat([each.labels for each in samples])
    positive, count = labels > 0, max(1, len(labels))
    proposals = torch.cat([each.boxes[each.positive] for each in samples])
    truth = torch.cat([true[each.matched[each.positive]] for true, each in zip(boxes, samples, strict=True)])
    wanted, deltas = CODER.encode_single(truth, proposals), pred.deltas[positive]
    losses = {
        "class": functional.cross_entropy(pred.logits, labels, reduction="sum") / count,
        "box": functional.smooth_l1_loss(deltas, wanted, beta=_BETA, reduction="sum") / count,
    }
    if pred.sigma is not None:
        scale, sigma = deltas.new_tensor(SCALE), pred.sigma[positive]
        moved = deltas.detach() if training == "detached" else deltas
        nll = gaussian_nll(moved / scale, wanted / scale, sigma)
        losses["box_nll"] = (nll * sigma.detach() if training == "tempered" else nll).sum() / count
    if pred.fit is not None:
        moved = CODER.decode_single(pred.deltas.detach(), torch.cat([each.boxes for each in samples]))
        losses["box_score"] = fit_loss(pred.fit, moved, samples, boxes)
    return losses


def _convolutions(width: int, norm: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [convolution(width, width, 3, norm=norm), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten())  # flat, not averaged: where an edge lies must not get lost


def _linear(inputs: int, outputs: int, *, sd: float) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=sd)
    nn.init.zeros_(layer.bias)
    return layer
