"""Learns how pictures of each stain look to a model, so that it can say of a picture that it is like none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from chromseg.arrays import F32, F64
from chromseg.images.scale import as_large_as
from chromseg.inference.familiarity import MEASURES, StainLook, look_of
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.predictor import Predictor
from chromseg.models.package import write_card

_FEWEST = len(MEASURES) + 3  # pictures of a stain from which its look can be learned
_SHRINKAGE = 0.2  # of the covariance towards its diagonal: few pictures, many measures
_LEAST = 0.05  # spread that every measure is granted
_WITHIN = 0.97  # of a stain's own pictures, each measured by the others
_MARGIN = 1.05  # beyond the distance of those


def choose_looks(folder: Path, pictures: Iterable[tuple[str, F32]], device: str = "cpu") -> dict[str, StainLook]:
    """Measure how each stain looks to a model, and write it into the model's card.

    Args:
        folder: The model; its card is written anew.
        pictures: Stain and absorbance float32 (H, W), at the model's scale, of metaphases that it may know.
        device: Where the network runs, in PyTorch's words.

    Returns:
        By stain; without those of which too few pictures are there.
    """
    predictor = predictor_from_folder(folder, device=device)
    looks = fit_looks(measured_looks(predictor, pictures))
    card = predictor.card
    write_card(folder, replace(card, looks={stain: asdict(look) for stain, look in looks.items()}))
    return looks


def measured_looks(predictor: Predictor, pictures: Iterable[tuple[str, F32]]) -> dict[str, list[F64]]:
    """The look of each picture in which enough was found, by stain."""
    looks: dict[str, list[F64]] = {}
    for stain, picture in pictures:
        found = predictor.find(picture)
        look = look_of(as_large_as(found.masks.shape[1:], picture), found.masks, found.scores)
        if look is not None:
            looks.setdefault(stain, []).append(look)
    return looks


def fit_looks(measured: Mapping[str, list[F64]]) -> dict[str, StainLook]:
    """Mean, precision and reach of each stain's looks."""
    return {stain: _fitted(np.array(looks)) for stain, looks in measured.items() if len(looks) >= _FEWEST}


def _fitted(looks: F64) -> StainLook:
    centre, precision = _moments(looks)
    distances = [_distance(looks[index], *_moments(np.delete(looks, index, axis=0))) for index in range(len(looks))]
    return StainLook(
        tuple(np.round(centre, 4).tolist()),
        tuple(tuple(row) for row in np.round(precision, 3).tolist()),
        round(float(np.quantile(distances, _WITHIN)) * _MARGIN, 3),
    )


def _moments(looks: F64) -> tuple[F64, F64]:
    """Mean float64 (M,) and inverse covariance (M, M) of looks (N, M)."""
    covariance = np.cov(looks.T)
    own = np.diag(np.diag(covariance))
    spread = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * own + _LEAST**2 * np.eye(len(MEASURES))
    return looks.mean(axis=0), np.asarray(np.linalg.inv(spread))


def _distance(look: F64, centre: F64, precision: F64) -> float:
    apart = look - centre
    return float(np.sqrt(apart @ precision @ apart))
