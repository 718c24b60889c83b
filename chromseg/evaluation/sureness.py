"""Fits how probable it is that an outline is right, and from where on one is doubted, on validation metaphases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from chromseg.annotations import Sample
from chromseg.arrays import F32, F64, Bool
from chromseg.evaluation.judging import as_coarse_as
from chromseg.evaluation.logistic import fit_logistic
from chromseg.evaluation.thresholds import SPARED
from chromseg.inference.found import Found
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.sureness import MEASURES, Sureness, shapes_of, typical_of
from chromseg.metrics import handed_out, mask_ious
from chromseg.models.package import write_card

_CAUGHT = 0.95  # of the wrong outlines of every stain: no more are doubted than this needs
_IN_DEBRIS = 0.125  # chromosomes of what is taken for debris, at most: one that is lost is worse than debris shown
_NEAR = 0.5  # IoU from which an outline is of a chromosome, right or wrong
_LEAST = 30  # wrong ones, and right ones, from which a fit means something
_PENALTY = 1e-3  # on squared weights of standardised measures, beside the mean log loss


@runtime_checkable
class Measurer(Protocol):
    """A predictor whose outlines can be measured."""

    def measured(self, absorbance: F32) -> tuple[Found, F32, F64]:
        """What is found in float32 (H, W), the picture as coarse as the masks, and a row of measures for each."""


@dataclass(frozen=True)
class Outlines:
    """What is known of the outlines that a model gave on some metaphases.

    Attributes:
        measures: float64 (N, M), as of `measures_of`, or more.
        right: bool (N,), IoU ≥ 0.8 with the chromosome of the best assignment.
        near: bool (N,), IoU ≥ 0.5 with any chromosome.
        stains: str (N,), of their pictures.
        typical: float64 (P, 4), `typical_of` each picture.
    """

    measures: F64
    right: Bool
    near: Bool
    stains: npt.NDArray[np.str_]
    typical: F64


def choose_sureness(
    folder: Path, samples: Iterable[Sample], stains: Mapping[str, str], device: str = "cpu"
) -> Sureness | None:
    """Fit the sureness of a model of maps or a cascade, and write it into the model's card.

    Args:
        folder: The model; its card is written anew.
        samples: Validation metaphases, of which those with instances count.
        stains: Stain of each dataset among them.
        device: Where the network runs, in PyTorch's words.

    Returns:
        What the card then says; None, and an unchanged card, if there is too little to learn from.
    """
    predictor = predictor_from_folder(folder, device=device)
    assert isinstance(predictor, Measurer)
    found = judged_outlines(predictor, samples, stains)
    if min(int(found.right.sum()), int((~found.right).sum())) < _LEAST:
        return None
    sureness = fit_sureness(found)
    card = predictor.card
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "sureness": asdict(sureness)}))
    return sureness


def judged_outlines(predictor: Measurer, samples: Iterable[Sample], stains: Mapping[str, str]) -> Outlines:
    """Cut metaphases whose instances are known, and measure each outline."""
    right, near = [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=bool)]
    measures, looks, typical = [], [], []
    for sample in samples:
        if sample.masks is None:
            continue
        found, seen, own = predictor.measured(sample.image)
        truth = as_coarse_as(found.masks.shape[1:], sample, found.closer).masks
        assert truth is not None
        measures.append(own)
        ious = mask_ious(found.masks, truth)
        right.append(handed_out(ious)["right"])
        near.append(ious.max(axis=1, initial=0) >= _NEAR)
        looks += [stains[sample.dataset]] * len(own)
        if len(own):
            typical.append(typical_of(shapes_of(found.masks, seen)))
    usual = np.array(typical).reshape(-1, 4)
    stained = np.array(looks, dtype=np.str_)
    return Outlines(
        np.concatenate(measures or [np.zeros((0, 0))]), np.concatenate(right), np.concatenate(near), stained, usual
    )


def fit_sureness(found: Outlines) -> Sureness:
    """Logistic regression in which every stain weighs the same.

    Doubted is as much as spares 88 % of a stain's right outlines, or less if that catches 95 % of the wrong ones; in a
    picture of unknown stain, as much as does so in every stain.
    Debris is as much of what is smaller than usual as has no more than an eighth of chromosomes in it.
    """
    names, index, counts = np.unique(found.stains, return_inverse=True, return_counts=True)
    weights, bias = fit_logistic(found.measures, found.right, 1 / (len(names) * counts[index]), _PENALTY)
    raw = Sureness(tuple(np.round(weights, 4).tolist()), round(bias, 4), 0.5)
    probabilities = raw.probabilities(found.measures)
    of = {name: _limits(probabilities[found.stains == name], found.right[found.stains == name]) for name in names}
    spared, caught = min(spared for spared, _ in of.values()), max(caught for _, caught in of.values())
    doubtful_in = {str(name): round(min(limits), 4) for name, limits in of.items()}
    usual = tuple(np.round(np.median(found.typical, axis=0), 3).tolist())
    debris = _debris_below(found, probabilities)
    return Sureness(raw.weights, raw.bias, round(min(spared, caught), 4), usual, round(debris, 4), doubtful_in)


def _limits(probabilities: F64, right: Bool) -> tuple[float, float]:
    """Below which probability most right outlines of a stain are spared, and below which most wrong ones are caught.

    Where there are none of a kind, nothing speaks against doubting all or none: 1 and 0.
    """
    spared = float(np.quantile(probabilities[right], 1 - SPARED)) if right.any() else 1.0
    caught = float(np.quantile(probabilities[~right], _CAUGHT)) if not right.all() else 0.0
    return spared, caught


def _debris_below(found: Outlines, probabilities: F64) -> float:
    """The highest probability below which small outlines are debris."""
    small = found.measures[:, MEASURES.index("area")] < 0
    order = np.argsort(probabilities[small], kind="stable")
    chromosomes = found.near[small][order].cumsum()
    pure = np.flatnonzero(chromosomes <= _IN_DEBRIS * np.arange(1, len(order) + 1))
    return float(probabilities[small][order][pure[-1]]) if pure.size else 0.0
