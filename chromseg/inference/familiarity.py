"""How far a picture is from those that a model was trained on: stain, texture, focus, density, shape of what was found.

Fourteen measures of a picture and of what was found in it stand for how it looks. For each stain the card keeps their
mean and spread over pictures that the model knows; the distance to the nearest stain, in units of what nearly all
pictures of that stain keep, says how strange a picture is: above 1, nobody has measured what the model does with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage, stats

from chromseg.arrays import F32, F64, Bool
from chromseg.boxes import window_of
from chromseg.partition.cluster import chromosome_width

MEASURES = (
    "number",  # log of the chromosomes found
    "covered",  # log of the share of the picture that they cover
    "other",  # log-odds of the part of all that is dark that is no chromosome: nuclei, debris, anything
    "dark",  # log of the mean absorbance of chromosomes
    "bands",  # log of their absorbance's spread over its mean, along broad bands
    "grain",  # and from pixel to pixel
    "skew",  # of the absorbance well inside: dark bands on light chromosomes, or light on dark
    "tips",  # log of the absorbance near the ends over that of the whole
    "ground",  # log of the spread of the ground
    "halo",  # absorbance just outside of chromosomes, less the ground's
    "edge",  # log of the steepness of outlines
    "slim",  # log of the median length over the width
    "uneven",  # spread of the logs of areas
    "sure",  # mean score
)
_MUCH_FARTHER = 1.5  # times; of known pictures, 56 of 62 Q-band are clearly that, and 3 of 110 DAPI and G-band
_FEWEST = 5  # chromosomes from which a picture can be said to look like anything
_NEAR, _FAR = 2, 6  # px outside of chromosomes: where a halo would be, and from where on it is ground
_BROAD = 2.0  # px, sigma that bands survive and grain does not
_DARK = 0.5  # of the chromosomes' mean absorbance
_DEEP = 2.0  # px from which a pixel lies well inside
_FEW_PIXELS = 100
_EMPTY = 10.0  # strangeness of a field without chromosomes
_EVEN = 0.003  # absorbance; a ground more even than this is even
_TINY = 1e-4
_A_LINE = 3  # pixels from which something has ends


@dataclass(frozen=True)
class StainLook:
    """How pictures of one stain look; kept in a model's card.

    Attributes:
        centre: Mean of each of `MEASURES`.
        precision: Inverse of their covariance, rows × columns.
        reach: Distance within which nearly all pictures of the stain lie.
    """

    centre: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    reach: float

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> StainLook:
        """From a card."""
        return cls(tuple(value["centre"]), tuple(map(tuple, value["precision"])), float(value["reach"]))

    def strangeness(self, measures: F64) -> float:
        """Distance of a picture, float64 (14,), in units of the reach."""
        apart = measures - np.array(self.centre)
        return float(np.sqrt(max(apart @ np.array(self.precision) @ apart, 0.0))) / self.reach


def nearest(looks: Mapping[str, StainLook], measures: F64 | None, *, field: bool = False) -> tuple[str, float] | None:
    """The stain that a picture looks most like, and how strange it is there; None if that cannot be said.

    A whole `field`, with a ground of its own, in which fewer than five chromosomes were found looks like no stain.
    """
    if looks and measures is None and field:
        return "none, for hardly a chromosome was found", _EMPTY
    if measures is None or not looks:
        return None
    return min(((stain, look.strangeness(measures)) for stain, look in looks.items()), key=lambda each: each[1])


def clearly(looks: Mapping[str, StainLook], measures: F64 | None) -> str | None:
    """The stain that a picture looks like beyond doubt: it lies within its reach, and from every other much farther."""
    if measures is None or not looks:
        return None
    (least, stain), *others = sorted((look.strangeness(measures), stain) for stain, look in looks.items())
    beyond = all(strangeness >= _MUCH_FARTHER * least for strangeness, _ in others)
    return stain if least <= 1 and beyond else None


def look_of(absorbance: F32, masks: Bool, scores: tuple[float, ...]) -> F64 | None:
    """Measure a picture.

    Args:
        absorbance: float32 (H, W), at the scale of the masks.
        masks: bool (N, H, W), what was found.
        scores: Of each, 0–1.

    Returns:
        float64 (14,) by `MEASURES`; None where fewer than five chromosomes were found.
    """
    if len(masks) < _FEWEST:
        return None
    found: Bool = np.asarray(masks.any(axis=0))
    distance = ndimage.distance_transform_edt(~found)
    ground = absorbance[distance > _FAR]
    if not ground.size:
        return None
    level = float(np.median(ground))
    broad = ndimage.gaussian_filter(absorbance, _BROAD)
    inside, mean = absorbance[found], float(absorbance[found].mean())
    dark = absorbance > level + _DARK * max(mean - level, _TINY)
    rim = (distance > 0) & (distance <= _NEAR)
    steep = ndimage.gaussian_gradient_magnitude(absorbance, 1.0)
    slim = [_slim(mask[window_of(mask)]) for mask in masks]
    deep = absorbance[ndimage.distance_transform_edt(found) > _DEEP]
    tips = [_tips(absorbance[window], mask[window]) for mask in masks for window in [window_of(mask)]]
    areas = np.log(masks.sum(axis=(1, 2)))
    stray = float((dark & ~found).sum()) / max(int(dark.sum()), 1)
    return np.array(
        [
            np.log(len(masks)),
            np.log(found.mean()),
            np.log((stray + 0.01) / (1.01 - stray)),
            _log(mean),
            _log(float((broad[found]).std()) / max(mean, _TINY)),
            _log(float((inside - broad[found]).std()) / max(mean, _TINY)),
            float(stats.skew(deep)) if deep.size > _FEW_PIXELS else 0.0,
            float(np.median(tips)),
            np.log(float(np.abs(ground - level).mean()) + _EVEN),
            (float(absorbance[rim].mean()) - level) / max(mean, _TINY) if rim.any() else 0.0,
            _log(float(steep[rim].mean()) / max(mean, _TINY) if rim.any() else 0.0),
            float(np.median(slim)),
            float(areas.std()),
            float(np.mean(scores)),
        ]
    )


def _tips(absorbance: F32, mask: Bool) -> float:
    """Log of the mean absorbance of the outer eighths of a chromosome, along its axis, over that of the whole."""
    points = np.argwhere(mask).astype(np.float64)
    if len(points) < _A_LINE:
        return 0.0
    along = (points - points.mean(axis=0)) @ np.linalg.eigh(np.cov(points.T) + np.eye(2) * _TINY)[1][:, 1]
    low, high = along.min(), along.max()
    ends = (along < low + (high - low) / 8) | (along > high - (high - low) / 8)
    values = absorbance[mask]
    return _log(float(values[ends].mean())) - _log(float(values.mean()))


def _slim(mask: Bool) -> float:
    """Log of the length over the width, if it is a bar."""
    return float(np.log(mask.sum() / chromosome_width(np.pad(mask, 1)) ** 2))


def _log(value: float) -> float:
    return float(np.log(max(value, _TINY)))
