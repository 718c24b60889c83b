"""How probable it is that the outline of a chromosome is right, and so which ones a person should look at.

A network is sure of much that is wrong: two chromosomes run together are chromosome all over. What gives them away is
their shape beside that of the others in the picture, a vague rim, a seam or a crossing that was seen and not used. A
logistic regression weighs what `measures_of` measures; `evaluation.sureness` fits it on validation metaphases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.special import expit, logit

from chromseg.arrays import F32, F64, Bool
from chromseg.boxes import grown, window_of
from chromseg.inference.found import Found
from chromseg.partition.cluster import NEEDS_REVIEW, chromosome_width

MEASURES = (
    "certainty",  # log-odds of the mean chromosome probability inside the mask
    "confidence",  # log-odds of the least probable pairing or cut that made it
    "vague",  # share of the mask and its rim, weighed by how near the probability is to one half
    "area",  # log of it over the median of the picture, and its square: too large and too small are both wrong
    "area2",
    "length",  # the same of the length of the axis
    "length2",
    "width",  # and of twice the area over the length of the outline
    "width2",
    "bent",  # log of the area over that of a bar of its length and width: arms of two stick out
    "beside",  # share of the rim that belongs to other chromosomes
    "crossed",  # share of the mask that others lie on
    "seam",  # contact that was seen well inside the mask, highest twentieth
    "knot",  # crossing that was seen where the mask is alone, highest twentieth
    "pale",  # log of the mean absorbance over the median of the picture
    "dark",
)
_ENOUGH = 8  # chromosomes of one picture that say what is usual in it
_RIM = 2  # px
_SUREST = 0.98
_TINY = 1e-3
_HIGHEST = 0.95


@dataclass(frozen=True)
class Sureness:
    """A fitted logistic regression; kept in a model's card under `preprocessing.sureness`.

    Attributes:
        weights: One for each of `MEASURES`.
        bias: Of the log-odds.
        doubtful: Probability below which a chromosome is flagged "needs-review".
        typical: `typical_of` most pictures: what chromosomes are compared with where too few others are.
        debris: Probability below which an outline smaller than usual is debris and not handed out. A larger one may be
            two chromosomes run together: it is shown, and flagged.
        doubtful_in: The same as `doubtful` in pictures that look most like one stain, as cascades ask: where right
            outlines are surer, more can be doubted for the same number of right ones.
    """

    weights: tuple[float, ...]
    bias: float
    doubtful: float
    typical: tuple[float, ...] = (0.0,) * 4
    debris: float = 0.0
    doubtful_in: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Sureness:
        """From a card."""
        return cls(**{**value, "weights": tuple(value["weights"]), "typical": tuple(value["typical"])})

    def probabilities(self, measures: F64) -> F64:
        """That each outline has IoU ≥ 0.8 with its chromosome: float64 (N, len(MEASURES)) → float64 (N,)."""
        return np.asarray(expit(measures @ np.array(self.weights) + self.bias))

    def chromosomes(self, measures: F64, probabilities: F64) -> list[int]:
        """Indices of the outlines that are handed out: all but debris."""
        small: Bool = measures[:, MEASURES.index("area")] < 0
        return np.flatnonzero(~(small & (probabilities < self.debris))).tolist()

    def rated(self, found: Found, measures: F64, stain: str | None = None) -> Found:
        """What was found, each with its probability and the flags that follow, without debris.

        `stain` is what the picture looks like; None where nobody has looked.
        """
        probability = self.probabilities(measures)
        rated = replace(
            found, flags=self.flagged(found.flags, probability, stain), probability=tuple(probability.tolist())
        )
        return rated.subset(self.chromosomes(measures, probability))

    def flagged(
        self, flags: Sequence[tuple[str, ...]], probabilities: F64, stain: str | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Flags whose "needs-review" goes by the probabilities alone; others stay."""
        doubtful = self.doubtful if stain is None else self.doubtful_in.get(stain, self.doubtful)
        return tuple(
            (*([NEEDS_REVIEW] if probability < doubtful else []), *(flag for flag in own if flag != NEEDS_REVIEW))
            for own, probability in zip(flags, probabilities, strict=True)
        )


def measures_of(
    masks: Bool,
    confidence: Sequence[float],
    probabilities: F32,
    absorbance: F32,
    typical: Sequence[float] | None = None,
) -> F64:
    """What tells right outlines from wrong ones.

    Args:
        masks: bool (N, H, W), all chromosomes of one picture.
        confidence: Of each, 0–1, as of `Partition`.
        probabilities: float32 (M, H, W) within 0–1: chromosome, crossing and perhaps contact.
        absorbance: float32 (H, W).
        typical: As of `Sureness`, for pictures of fewer than eight chromosomes; None compares them with one another.

    Returns:
        float64 (N, len(MEASURES)).
    """
    if not len(masks):
        return np.zeros((0, len(MEASURES)))
    own = shapes_of(masks, absorbance)
    usual = typical_of(own) if typical is None or len(masks) >= _ENOUGH else np.array(typical)
    area, length, width, pale = (own - usual).T
    certainty, confident, vague, beside, crossed, seam, knot = _seen(masks, confidence, probabilities).T
    bent = area - length - width
    columns = (
        certainty, confident, vague, area, area**2, length, length**2, width, width**2, bent, beside, crossed, seam,
        knot, np.minimum(pale, 0), np.maximum(pale, 0),
    )  # fmt: skip
    return np.stack(columns, axis=1).clip(-6, 6)


def shapes_of(masks: Bool, absorbance: F32) -> F64:
    """Logs of area, length, width and mean absorbance of chromosomes bool (N, H, W): float64 (N, 4)."""
    shapes = [
        (*_shape(mask[window]), float(absorbance[window][mask[window]].mean()))
        for mask in masks
        for window in [window_of(mask)]
    ]
    return np.asarray(np.log(np.maximum(np.array(shapes).reshape(-1, 4), _TINY)))


def _seen(masks: Bool, confidence: Sequence[float], probabilities: F32) -> F64:
    """What the network and stage 2 say of each chromosome: float64 (N, 7)."""
    others = masks.sum(axis=0, dtype=np.int16)
    contact = probabilities[2] if len(probabilities) > 2 else np.zeros_like(probabilities[0])
    looks = []
    for mask, sure in zip(masks, confidence, strict=True):
        window = grown(window_of(mask), _RIM)
        own, chromosome = mask[window], probabilities[0][window]
        rim = ndimage.binary_dilation(own, iterations=_RIM)
        shared = others[window] - own > 0
        deep = ndimage.binary_erosion(own)
        looks.append(
            (
                _log_odds(float(chromosome[own].mean())),
                _log_odds(sure),
                float((4 * chromosome * (1 - chromosome))[rim].sum() / own.sum()),
                float(shared[rim & ~own].mean()) if (rim & ~own).any() else 0.0,
                float(shared[own].mean()),
                _highest(contact[window][deep]),
                _highest(probabilities[1][window][own & ~shared]),
            )
        )
    return np.array(looks)


def typical_of(shapes: F64) -> F64:
    """Medians of the logs of area, length, width and absorbance of chromosomes, float64 (N, 4) → float64 (4,)."""
    return np.asarray(np.median(shapes, axis=0))


def _shape(mask: Bool) -> tuple[float, float, float]:
    """Area, length by the second moments, and width, in pixels."""
    rows, cols = np.nonzero(mask)
    covariance = np.cov(np.stack([rows, cols])) if len(rows) > 1 else np.zeros((2, 2))
    longest = float(np.linalg.eigvalsh(covariance)[-1]) + 1 / 12
    return float(len(rows)), math.sqrt(12 * longest), chromosome_width(np.pad(mask, 1))


def _log_odds(probability: float) -> float:
    return float(logit(np.clip(probability, 1 - _SUREST, _SUREST)))


def _highest(values: F32) -> float:
    return float(np.quantile(values, _HIGHEST)) if values.size else 0.0
