"""What is chosen on validation metaphases once a network is trained, in the order in which one choice needs another."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chromseg.annotations import Sample
from chromseg.arrays import F32
from chromseg.evaluation.detector_thresholds import choose_settings, mark_boxes_only
from chromseg.evaluation.looks import choose_looks
from chromseg.evaluation.map_thresholds import choose_map_settings
from chromseg.evaluation.seams import choose_seams
from chromseg.evaluation.sureness import choose_sureness
from chromseg.inference.sureness import Sureness

_NOT = "not fitted"
_ENOUGH = 20  # pictures of a dataset by which thresholds are chosen; seams take twice, looks three times as many

Settled = dict[str, float | str]  # parameters of the run, by name


@dataclass(frozen=True)
class Known:
    """Pictures whose truth may be looked at.

    Attributes:
        metaphases: All validation metaphases, read one after another.
        some: At most so many of each dataset.
        stains: Of each dataset.
        pictures: Stain and absorbance float32 (H, W), of at most so many pictures a stain that the model may know.
    """

    metaphases: Callable[[], Iterable[Sample]]
    some: Callable[[int], Iterable[Sample]]
    stains: Mapping[str, str]
    pictures: Callable[[int], Iterable[tuple[str, F32]]]


def settle_maps(folder: Path, known: Known, device: str = "cpu") -> Settled:
    """Choose thresholds, seams, sureness and looks of a model of maps; its card then has them."""
    settings = choose_map_settings(folder, known.some(_ENOUGH), device)
    seams = choose_seams(folder, known.some(2 * _ENOUGH), device)
    sure = choose_sureness(folder, known.metaphases(), known.stains, device)
    looks = choose_looks(folder, known.pictures(3 * _ENOUGH), device)
    return {
        "threshold": settings.chromosome,
        "least_mean": settings.mean,
        "crossing_threshold": settings.crossing,
        "seam_weights": "fitted" if seams else _NOT,
        **_of_sureness(sure),
        "stain_looks": ", ".join(looks),
    }


def settle_cascade(
    folder: Path, metaphases: Iterable[Sample], stains: Mapping[str, str], device: str = "cpu"
) -> Settled:
    """Choose the sureness of a cascade, by the outlines that it decides on."""
    return _of_sureness(choose_sureness(folder, metaphases, stains, device))


def _of_sureness(sure: Sureness | None) -> Settled:
    if sure is None:
        return {"doubtful": _NOT, "debris": _NOT}
    of_stains = {f"doubtful_{stain}": limit for stain, limit in sure.doubtful_in.items()}
    return {"doubtful": sure.doubtful, **of_stains, "debris": sure.debris}


def settle_detector(folder: Path, metaphases: Iterable[Sample], masks: bool, device: str = "cpu") -> Settled:
    """Choose what a detector hands out; without `masks`, in training or before, it hands out boxes."""
    if not masks:
        mark_boxes_only(folder)
        print(f"{folder}: no training image has masks, so it hands out boxes", file=sys.stderr)
    chosen = choose_settings(folder, metaphases, device)
    return {"threshold": chosen.score, "pixel": chosen.pixel, "doubtful": chosen.doubtful}
