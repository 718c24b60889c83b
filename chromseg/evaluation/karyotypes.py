"""Karyograms judged: the class of each chromosome by itself and by its place in the cell, per class and per cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chromseg.arrays import F32, F64, I64, Bool
from chromseg.karyogram.classes import CLASSES
from chromseg.karyogram.karyogram import SURE
from chromseg.karyogram.places import best_classes, place
from chromseg.metrics.bootstrap import bootstrap_by_case
from chromseg.metrics.classes import accuracies, confusion_matrix
from chromseg.models.karyotype import KaryotypeNetwork, answers
from chromseg.synthesis.karyotype import DIPLOID
from chromseg.training.cells import NamedCell

Labels = I64
_KEYS = {
    "test/class_acc": "placed",
    "test/class_acc_alone": "alone",
    "test/cells_right": "cells_without_error",
    "test/class_flag_recall": "wrong_that_are_marked",
    "test/class_flagged_right": "right_that_are_marked",
}
_X, _Y = CLASSES.index("X"), CLASSES.index("Y")


@dataclass(frozen=True)
class Answered:
    """What the network says of one cell.

    Attributes:
        case: Whose cell it is.
        labels: int64 (N,), true classes from 0; −1 where nobody knows.
        judged: bool (N,), which chromosomes are cut correctly, so that their class can be asked for.
        probabilities: float32 (N, 24).
    """

    case: str
    labels: Labels
    judged: Bool
    probabilities: F32


@dataclass(frozen=True)
class JudgedCell:
    """The correctly cut chromosomes of one cell: int64 (N,) true classes, by the network alone, in their places.

    Attributes:
        case: Whose cell it is.
        labels: True classes from 0.
        alone: Classes by the network alone.
        placed: Classes by the assignment.
        sureness: float64 (N,), of the places.
        sexes: True and assigned numbers of X and Y; None where a chromosome is missing or cut wrongly.
    """

    case: str
    labels: Labels
    alone: Labels
    placed: Labels
    sureness: F64
    sexes: tuple[tuple[int, int], tuple[int, int]] | None = None


def answer(network: KaryotypeNetwork, named: NamedCell, case: str, device: str) -> Answered:
    """Ask the network for the classes of a cell's chromosomes."""
    cell = named.cell
    found = answers(network, cell.strips, cell.figures, torch.device(device)).sum(axis=2)
    return Answered(case, named.labels, named.clean, found)


def judge_cell(answered: Answered, price: float) -> JudgedCell:
    """Place the chromosomes of a whole cell, and keep those that are cut correctly."""
    placement = place(answered.probabilities, price)
    own = answered.judged
    alone = answered.probabilities.argmax(axis=1)
    whole = bool(own.all()) and len(own) == DIPLOID
    sexes = (_sex(answered.labels), _sex(placement.classes)) if whole else None
    return JudgedCell(
        answered.case, answered.labels[own], alone[own], placement.classes[own], placement.sureness[own], sexes
    )


def share_at(cells: Iterable[Answered], price: float) -> float | None:
    """The share of correctly cut chromosomes that the assignment names right at a price."""
    hits = [(best_classes(each.probabilities, price) == each.labels)[each.judged] for each in cells]
    return _share(np.concatenate([np.zeros(0, dtype=bool), *hits]))


def figures(cells: Sequence[JudgedCell], sure: float = SURE) -> dict[str, Any]:
    """What some cells score.

    Returns:
        Shares 0–1 (None where nothing is counted), intervals of 95 % by case, and counts, ready for JSON.
    """
    labels, alone, placed = (_all(cells, name) for name in ("labels", "alone", "placed"))
    right, marked = placed == labels, np.concatenate([np.zeros(0), *(each.sureness for each in cells)]) < sure
    known = [each.sexes for each in cells if each.sexes is not None]
    return {
        "cells": len(cells),
        "cases": len({each.case for each in cells}),
        "chromosomes": len(labels),
        "alone": _share(alone == labels),
        "alone_interval": _interval(cells, "alone"),
        "placed": _share(right),
        "placed_interval": _interval(cells, "placed"),
        "cells_without_error": _share(np.array([bool((each.placed == each.labels).all()) for each in cells])),
        "errors_a_cell": sum(int((each.placed != each.labels).sum()) for each in cells) / max(len(cells), 1),
        "marked": _share(marked),
        "wrong_that_are_marked": _share(marked[~right]),
        "right_that_are_marked": _share(marked[right]),
        "whole_cells": len(known),
        "sex_right": _share(np.array([true == given for true, given in known], dtype=bool)),
        "by_class": _by_class(labels, alone, placed),
        "taken_for": _confusions(labels, placed),
    }


def _interval(cells: Sequence[JudgedCell], name: str) -> list[float] | None:
    """Where the share named right would lie with other cases."""
    hits = [(int((getattr(each, name) == each.labels).sum()), len(each.labels)) for each in cells]
    found = bootstrap_by_case(hits, [each.case for each in cells], _pooled)
    return None if found is None else list(found)


def _pooled(hits: Sequence[tuple[int, int]]) -> float | None:
    total = sum(count for _, count in hits)
    return sum(right for right, _ in hits) / total if total else None


def metrics_of(found: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures that cards and runs show, by the keys of the catalogue."""
    return {key: found[name] for key, name in _KEYS.items()}


def _by_class(labels: Labels, alone: Labels, placed: Labels) -> dict[str, dict[str, float | None]]:
    """Chromosomes of each class, and shares named right."""
    by_itself, by_place = (accuracies(confusion_matrix(labels, given, len(CLASSES))).each for given in (alone, placed))
    return {
        name: {"chromosomes": int((labels == number).sum()), "alone": by_itself[number], "placed": by_place[number]}
        for number, name in enumerate(CLASSES)
    }


def _confusions(labels: Labels, placed: Labels, most: int = 12) -> dict[str, int]:
    """The most frequent mistakes, as `true → given`."""
    pairs = Counter(
        f"{CLASSES[true]} → {CLASSES[given]}"
        for true, given in zip(labels.tolist(), placed.tolist(), strict=True)
        if true != given
    )
    return dict(pairs.most_common(most))


def _all(cells: Iterable[JudgedCell], name: str) -> Labels:
    return np.concatenate([np.zeros(0, dtype=np.int64), *(getattr(each, name) for each in cells)])


def _share(hits: Bool) -> float | None:
    return float(hits.mean()) if len(hits) else None


def _sex(classes: Labels) -> tuple[int, int]:
    return int((classes == _X).sum()), int((classes == _Y).sum())
