"""Fits by what a seam is judged, on clusters whose chromosomes are known: by shape, or with what a network sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations import Sample, label_regions
from chromseg.arrays import F32, F64, I32, I64, Bool
from chromseg.evaluation.judging import as_coarse_as
from chromseg.evaluation.logistic import fit_logistic
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.map_predictor import MapPredictor
from chromseg.models.package import write_card
from chromseg.partition.cluster import chromosome_width
from chromseg.partition.parts import SeamMap, cut_parts
from chromseg.partition.seams import SeamWeights, measure, moments
from chromseg.partition.touching import find_fragments, ground_of, seams_within, suspected

_PURE = 0.8  # share of a fragment that must be one chromosome's for its seams to be examples
_ORDERS = 3  # in which the fragments of a cluster are merged
_LEAST = 100  # examples of either kind from which a fit means something

SeamExample = tuple[tuple[float, ...], bool]  # measures, and whether two chromosomes meet there


def choose_seams(folder: Path, samples: Iterable[Sample], device: str = "cpu") -> SeamWeights | None:
    """Fit how probable seams are weighed with the shape, on a network's own maps, and write it into the model's card.

    Args:
        folder: The model; its card is written anew.
        samples: Validation metaphases, of which those with instances count.
        device: Where the network runs, in PyTorch's words.

    Returns:
        What the card then says; None, and an unchanged card, if the network sees no contact or there are too few seams.
    """
    predictor = predictor_from_folder(folder, device=device)
    assert isinstance(predictor, MapPredictor)
    if not predictor.postprocess.contact:
        return None
    rng = np.random.default_rng(0)
    found = [
        example for sample in samples if sample.masks is not None for example in seen_seams(predictor, sample, rng)
    ]
    parts = np.array([is_contact for _, is_contact in found], dtype=bool)
    if min(int(parts.sum()), int((~parts).sum())) < _LEAST:
        return None
    weights = fit_seams(np.array([measures for measures, _ in found]), parts)
    card = predictor.card
    write_card(folder, replace(card, preprocessing={**card.preprocessing, "seams": asdict(weights)}))
    return weights


def seen_seams(predictor: MapPredictor, sample: Sample, rng: np.random.Generator) -> Iterator[SeamExample]:
    """The seams of the clusters that a network sees in a metaphase whose instances are known."""
    seen = predictor.seen(sample.image)
    truth = as_coarse_as(seen.shape, sample)
    assert truth.masks is not None
    maps = predictor.look(sample.image).maps
    if maps.contact is None:
        return
    owner = np.where(truth.masks.sum(axis=0) == 1, truth.masks.argmax(axis=0) + 1, 0)
    labels, _ = label_regions(maps.chromosome)
    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        region = labels[window] == label
        contact = np.where(region, maps.contact[window], np.float32(0))
        known = (owner[window], len(truth.masks))
        yield from seams_of(region, maps.crossing[window] & region, seen[window], contact, known, rng)


def seams_of(
    region: Bool,
    crossing: Bool,
    image: F32,
    contact: SeamMap | None,
    known: tuple[I64, int],
    rng: np.random.Generator,
) -> list[SeamExample]:
    """All seams that are met when the fragments of a cluster are merged in orders that the truth allows.

    Args:
        region: bool (h, w), the cluster in its bounding box.
        crossing: bool (h, w), within it.
        image: float32 (h, w) absorbance.
        contact: As of `partition_crossings`.
        known: int (h, w), which chromosome each pixel is of, from 1; 0 where none, or several; and how many there are.
        rng: Of the orders.
    """
    owner, count = known
    width = chromosome_width(region)
    cut = cut_parts(region, crossing, width)
    suspects = suspected(cut, contact, width)
    if not suspects.any():
        return []
    ground = ground_of(region, image, contact, width)
    fragments, owners = find_fragments(suspects, cut.n_free, ground)
    examples: dict[tuple[float, ...], bool] = {}
    for _ in range(_ORDERS):
        labels, held = fragments.copy(), pixels_held(fragments, len(owners), owner, count)
        sides = moments(labels, len(owners) - 1)
        while found := seams_within(labels, owners):
            mergeable = []
            for pair, pixels in found.items():
                counts = held[list(pair)]
                same = bool(counts[0].argmax() == counts[1].argmax())
                if (counts.max(axis=1) > _PURE * np.maximum(counts.sum(axis=1), 1)).all():
                    measures = measure(labels, pair, pixels, ground, sides[list(pair)])
                    examples[tuple(measures.round(6).tolist())] = not same
                if same:
                    mergeable.append(pair)
            if not mergeable:
                break
            kept, gone = mergeable[rng.integers(len(mergeable))]
            labels[labels == gone] = kept
            held[kept] += held[gone]
            sides[kept] += sides[gone]
    return list(examples.items())


def pixels_held(labels: I32, count: int, owner: I64, chromosomes: int) -> I64:
    """How many pixels of each chromosome each label holds: int64 (count, chromosomes)."""
    chosen = (labels > 0) & (owner > 0)
    pairs = labels[chosen].astype(np.int64) * chromosomes + owner[chosen] - 1
    return np.bincount(pairs, minlength=count * chromosomes).reshape(count, chromosomes)


def fit_seams(examples: F64, labels: npt.NDArray[np.bool_]) -> SeamWeights:
    """How the measures of a seam float64 (N, M) are weighed, by whether two chromosomes meet there, bool (N,)."""
    weights, bias = fit_logistic(examples, labels)
    return SeamWeights(tuple(np.round(weights, 3).tolist()), round(bias, 3))
