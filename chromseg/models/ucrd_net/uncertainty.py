"""Uncertainty correction (UCRD-Net §2.2): how far a predicted box may be off, and the score that says so."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from chromseg.models.ucrd_net.targets import Detections

SIGMA_MIN = 0.01  # of a box side: well below a pixel for a chromosome
EPSILON = 1e-9  # ε of eq. 5


def to_sigma(logits: Tensor) -> Tensor:
    """σ (eq. 3): float32 within (SIGMA_MIN, 1), the logistic function ("after logistic transformation") off zero."""
    return SIGMA_MIN + (1 - SIGMA_MIN) * logits.float().sigmoid()


def gaussian_nll(pred: Tensor, target: Tensor, sigma: Tensor) -> Tensor:
    """Eq. 5 for each box coordinate: −log(N(d^G | μ, σ) + ε), in float32 and finite for any input.

    μ is each proposal's own prediction d* (eq. 4 as written sums proposals that are encoded against different boxes); ε
    stands inside the logarithm, where it bounds the loss at −log ε = 20.7.

    Args:
        pred: d*, float (…, 4), eq. 1: offsets as shares of the proposal's sides, logarithms of side ratios.
        target: d^G, the same of the true box (eq. 2).
        sigma: float (…, 4) above 0.
    """
    pred, target, sigma = pred.float(), target.float(), sigma.float()
    log_density = -0.5 * ((target - pred) / sigma).square() - sigma.log() - 0.5 * math.log(2 * math.pi)
    return -torch.logaddexp(log_density, torch.full_like(log_density, math.log(EPSILON)))


def box_uncertainty(sigma: Tensor) -> Tensor:
    """η (eq. 10): the mean of σ (…, 4) over a box's four coordinates, (…,)."""
    return sigma.mean(dim=-1)


def corrected_score(class_scores: Tensor, uncertainty: Tensor, correction: float) -> Tensor:
    """Eq. 11: λ · cls_score + (1 − λ) · (1 − η)."""
    return correction * class_scores + (1 - correction) * (1 - uncertainty)


def damped_score(class_scores: Tensor, uncertainty: Tensor, damping: float) -> Tensor:
    """class_score · exp(−κη): unlike eq. 11, whose second term hardly differs from box to box, it has a range."""
    return class_scores * torch.exp(-damping * uncertainty)


def rescore(detections: Detections, correction: float) -> Detections:
    """The same detections ranked with another λ; without UC nothing changes.

    What NMS dropped stays dropped: `UCRDNet.detect(images, correction=λ)` also suppresses by the new score. A factor
    that soft NMS or mask scoring put on the scores is not kept.
    """
    if detections.uncertainty is None:
        return detections
    scores = corrected_score(detections.class_scores, detections.uncertainty, correction)
    return detections._replace(scores=scores).take(scores.argsort(descending=True, stable=True))
