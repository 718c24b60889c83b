"""Mixed-Weight Focal loss (ChromSeg §II-C, eq. 1-2), on logits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from chromseg.config import LossConfig
from chromseg.models.maps import Maps


def focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float,
    gamma: float,
    counts: Tensor | None = None,
    known: Tensor | None = None,
) -> Tensor:
    """Focal loss of eq. 1, mean over all pixels that are known.

    With p = sigmoid(logit): -α (1-p)^γ log p where the target is 1, -(1-α) p^γ log(1-p) where it is 0. Both are
    written with the log-sigmoid of the signed logit, so that no probability is ever rounded to 0 or 1.

    Args:
        logits: float of any shape; taken to float32 first.
        target: float of the same shape, 0 or 1.
        alpha: Weight of positives, 0-1.
        gamma: Focusing, ≥ 0; 0 and α = 0.5 give half the cross entropy.
        counts: float of the same shape, how much each pixel counts; None: all alike.
        known: float of the same shape, 0 where the truth is not known, else 1; None: all is. Nothing known gives 0.

    Returns:
        float32 scalar.
    """
    logits, target = logits.float(), target.float()
    sign = 2 * target - 1
    log_right = functional.logsigmoid(sign * logits)  # log of the probability given to the truth
    log_wrong = functional.logsigmoid(-sign * logits)
    weight = alpha * target + (1 - alpha) * (1 - target)
    if counts is not None:
        weight = weight * counts
    loss = -(weight * torch.exp(gamma * log_wrong) * log_right)
    return loss.mean() if known is None else (loss * known).sum() / known.sum().clamp(min=1)


def soft_jaccard_loss(logits: Tensor, target: Tensor, known: Tensor | None = None) -> Tensor:
    """One minus the soft Jaccard index per image, mean over images.

    One pixel is added above and below the fraction line: an image without positives costs nothing if none is
    predicted, and much for few false ones, just as the IoU counts it.

    Args:
        logits: float (B, 1, H, W).
        target: float (B, 1, H, W), 0 or 1.
        known: float (B, 1, H, W), 0 where the truth is not known, else 1; None: all is.

    Returns:
        float32 scalar in 0-1.
    """
    probs, target = torch.sigmoid(logits.float()), target.float()
    if known is not None:
        probs, target = probs * known, target * known
    both = (probs * target).sum(dim=(1, 2, 3))
    either = (probs + target - probs * target).sum(dim=(1, 2, 3))
    return (1 - (both + 1) / (either + 1)).mean()


class MixedWeightFocalLoss(nn.Module):
    """λ·FL(crossing) + (1-λ)·FL(chromosome) + φ-term (eq. 2), with own terms that are 0 by default.

    The paper calls φ "a regularization term" and says no more; here it is φ · ½ Σ w² over all convolution kernels,
    and 0 unless asked for. Ours: `overlap` times a soft Jaccard loss of the crossing map, `contact` times the focal
    loss of the contact map and `contact_overlap` times its soft Jaccard loss; with `gap`, ground between two
    chromosomes counts more. Under deep supervision each term is its mean over the levels.

    Args:
        config: The weights λ, α, γ, φ and ours.
    """

    def __init__(self, config: LossConfig) -> None:
        super().__init__()
        self.config = config

    def forward(
        self, outputs: Sequence[Maps], target: Mapping[str, Tensor], kernels: Iterable[Tensor] = ()
    ) -> dict[str, Tensor]:
        """Compute the named losses.

        Args:
            outputs: Logits of one or more levels, as from `forward_all`.
            target: "chromosome", "crossing" and, for a network with that branch, "contact": float (B, 1, H, W). Pixels
                that are 1 in "ignored", if that is there, enter no loss.
            kernels: Convolution kernels for the φ-term (`convolution_kernels(network)`).

        Returns:
            float32 scalars "loss" (the weighted sum) and its unweighted parts "loss_chromosome", "loss_crossing",
            "loss_contact" if the network has that branch, "loss_overlap" and "loss_phi" if their weight is not 0.
        """
        each = [self._parts(maps, target) for maps in outputs]
        parts = {name: torch.stack([level[name] for level in each]).mean() for name in each[0]}
        if self.config.phi:
            parts["phi"] = torch.stack([kernel.float().square().sum() for kernel in kernels]).sum() / 2
        total = torch.stack([self._weight(name) * value for name, value in parts.items()]).sum()
        return {"loss": total} | {f"loss_{name}": value for name, value in parts.items()}

    def _parts(self, maps: Maps, target: Mapping[str, Tensor]) -> dict[str, Tensor]:
        config = self.config
        known = 1 - target["ignored"].float() if "ignored" in target else None
        weights: dict[str, Any] = {"alpha": config.alpha, "gamma": config.gamma, "known": known}
        parts = {
            "chromosome": focal_loss(maps.chromosome, target["chromosome"], counts=self._counts(target), **weights),
            "crossing": focal_loss(maps.crossing, target["crossing"], **weights),
        }
        if config.overlap:
            parts["overlap"] = soft_jaccard_loss(maps.crossing, target["crossing"], known)
        if maps.contact is not None:
            parts["contact"] = focal_loss(maps.contact, target["contact"], **weights)
            if config.contact_overlap:
                parts["contact_overlap"] = soft_jaccard_loss(maps.contact, target["contact"], known)
        return parts

    def _counts(self, target: Mapping[str, Tensor]) -> Tensor | None:
        """The ground between two chromosomes counts more: where it is missed, they run together."""
        if not self.config.gap or "contact" not in target:
            return None
        return 1 + self.config.gap * target["contact"].float() * (1 - target["chromosome"].float())

    def _weight(self, name: str) -> float:
        config = self.config
        given = {"chromosome": 1 - config.lam, "crossing": config.lam}
        return given[name] if name in given else float(getattr(config, name))


def convolution_kernels(network: nn.Module) -> list[Tensor]:
    """The kernels of all convolutions, without biases and norm parameters, which the φ-term leaves free."""
    return [module.weight for module in network.modules() if isinstance(module, nn.Conv2d)]
