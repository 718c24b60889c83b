"""Fit the weights of crossing-partition: likely seams and likely pairings.

    chromseg-ops data synthesize --name gband-laid --count 240 --seed 1 --from gband-singles
    python -m benchmarks.fit_partition [--data data/bioimlab] [--laid data/gband-laid]

Reads the cases that are not test. Seams, from `--data` alone: all fragments are merged in orders that the truth allows,
and every seam met on the way is an example (logistic regression). Pairings, from both: every crossing of the true maps,
and of `--data`'s maps disturbed as predictions are, is a choice among its pairings (softmax). Prints the lines for
`chromseg/partition/seams.py` and `pairing.py`. Fits on other seeds or disturbances differ by a cluster or two; the
weights in `pairing.py` are the one of five such fits that solved most train and val clusters.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, optimize

from benchmarks.stage2 import DISTURBANCES, Case, cut_outs
from chromseg.annotations import label_regions, load_image, load_masks, read_dataset
from chromseg.partition import cluster, pairing, parts, ports, seams, touching

DISTURBED_BY = ("crossing shrunk by 1", "outlines ragged by 0.7 and 1.5", "specks and holes")
PURE = 0.8  # share of a part that must be one chromosome's for the part to be an example


def seam_examples(root: Path, rng: np.random.Generator) -> tuple[list[Any], list[bool]]:
    """Measures of seams, and whether each parts two chromosomes."""
    dataset = read_dataset(root)
    measured, parted = [], []
    for record in dataset.images:
        if record.split == "test":
            continue
        image, masks = load_image(dataset, record), load_masks(dataset, record)
        chromosome, crossing = masks.any(axis=0), masks.sum(axis=0) >= 2
        owner = np.where(crossing | ~chromosome, 0, masks.argmax(axis=0) + 1)
        labels, _ = label_regions(chromosome)
        for label, window in enumerate(ndimage.find_objects(labels), start=1):
            region = labels[window] == label
            found = _seams_of(region, crossing[window] & region, image[window], owner[window], len(masks), rng)
            for measures, is_contact in found:
                measured.append(measures)
                parted.append(is_contact)
    return measured, parted


def _seams_of(
    region: Any, crossing: Any, image: Any, owner: Any, n_masks: int, rng: np.random.Generator
) -> list[tuple[Any, bool]]:
    width = cluster.chromosome_width(region)
    cut = parts.cut_parts(region, crossing, width)
    doubtful = touching._not_compact(cut, width)
    if not doubtful.any():
        return []
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1].astype(np.float32)
    ground = seams.Ground(depth, image, None, width)
    fragments, owners = touching.find_fragments(np.where(doubtful[cut.free], cut.free, 0), cut.n_free, ground)
    examples: dict[tuple[float, ...], bool] = {}
    for _ in range(3):
        labels = fragments.copy()
        held = _held(labels, len(owners), owner, n_masks)
        sides = seams.moments(labels, len(owners) - 1)
        while found := touching._seams_within(labels, owners):
            mergeable = []
            for pair, pixels in found.items():
                counts = held[list(pair)]
                if (counts.max(axis=1) > PURE * np.maximum(counts.sum(axis=1), 1)).all():
                    is_contact = bool(counts[0].argmax() != counts[1].argmax())
                    measures = seams.measure(labels, pair, pixels, ground, sides[list(pair)])
                    examples[tuple(measures.round(6))] = is_contact
                if counts[0].argmax() == counts[1].argmax():
                    mergeable.append(pair)
            if not mergeable:
                break
            kept, gone = mergeable[rng.integers(len(mergeable))]
            labels[labels == gone] = kept
            held[kept] += held[gone]
            sides[kept] += sides[gone]
    return [(np.array(measures), is_contact) for measures, is_contact in examples.items()]


def _held(labels: Any, count: int, owner: Any, n_masks: int) -> Any:
    """How many pixels of each chromosome each label holds: (labels, chromosomes)."""
    chosen = (labels > 0) & (owner > 0)
    pairs = labels[chosen].astype(np.int64) * n_masks + owner[chosen] - 1
    return np.bincount(pairs, minlength=count * n_masks).reshape(count, n_masks)


def choices(case: Case, chromosome: Any, crossing: Any) -> list[tuple[Any, int]]:
    """For each crossing, the terms of all its pairings and which of them is right."""
    owner = np.where(case.masks.sum(axis=0) == 1, case.masks.argmax(axis=0) + 1, 0)
    labels, _ = label_regions(chromosome)
    found = []
    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        region = labels[window] == label
        width = cluster.chromosome_width(region)
        cut = parts.cut_parts(region, crossing[window] & region, width)
        cut, _ = touching.part_touching(cut, region, case.image[window], None, width)
        held = _held(cut.free, cut.n_free + 1, owner[window], len(case.masks))
        areas = np.bincount(cut.crossing.ravel(), minlength=1)[1:] / width**2
        reach = max(10, round(cluster._REACH * width))
        for at, area in zip(ports.find_ports(cut, reach, width), areas, strict=True):
            tried = sorted(at, key=lambda port: -port.area)[: pairing._MAX_PORTS]
            right = _right_pairs(tried, held)
            if right is not None and len(tried) > 1:
                options = pairing._matchings(len(tried))
                terms = np.array([pairing.terms(option, tried, float(area)) for option in options])
                found.append((terms, [set(option) for option in options].index(right)))
    return found


def _maps(case: Case, disturbance: str | None, seed: int) -> tuple[Any, Any]:
    if disturbance is None:
        return case.maps
    chromosome, crossing = DISTURBANCES[disturbance](*case.maps, np.random.default_rng(seed))
    return chromosome, crossing & chromosome


def _right_pairs(tried: list[ports.Port], held: Any) -> set[tuple[int, int]] | None:
    """Which ports are of one chromosome; None where a part is of two or a chromosome has three arms."""
    arms: dict[int, list[int]] = defaultdict(list)
    for index, port in enumerate(tried):
        counts = held[port.part]
        if counts.max() < PURE * counts.sum() and not port.is_stub:
            return None
        arms[int(counts.argmax())].append(index)
    if any(len(own) > 2 and not tried[own[2]].is_stub for own in arms.values()):
        return None
    return {(own[0], own[1]) for own in arms.values() if len(own) > 1}


def fit_logistic(examples: Any, labels: Any, ridge: float = 1.0) -> tuple[Any, float]:
    """Weights and bias of a logistic regression on standardised measures, given for raw ones."""
    mean, deviation = examples.mean(axis=0), examples.std(axis=0)
    scaled, signs = (examples - mean) / deviation, np.where(labels, 1.0, -1.0)

    def loss(weights: Any) -> Any:
        margins = signs * (scaled @ weights[:-1] + weights[-1])
        return np.logaddexp(0, -margins).sum() + ridge / 2 * weights[:-1] @ weights[:-1]

    best = optimize.minimize(loss, np.zeros(examples.shape[1] + 1), method="L-BFGS-B").x
    weights = best[:-1] / deviation
    return weights, float(best[-1] - weights @ mean)


def fit_choices(crossings: list[tuple[Any, int]], ridge: float = 0.001) -> Any:
    """Weights of the terms of a pairing under which the right ones are likeliest."""

    def loss(weights: Any) -> float:
        total = 0.0
        for terms, right in crossings:
            costs = terms @ weights
            total += costs[right] + np.logaddexp.reduce(-costs)
        return float(total / len(crossings) + ridge / 2 * weights @ weights)

    return optimize.minimize(loss, np.zeros(len(pairing.TERMS)), method="L-BFGS-B").x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/bioimlab"))
    parser.add_argument("--laid", type=Path, default=Path("data/gband-laid"))
    arguments = parser.parse_args()
    measured, parted = seam_examples(arguments.data, np.random.default_rng(0))
    weights, bias = fit_logistic(np.array(measured), np.array(parted))
    print(f"seams: {len(parted)} examples, {sum(parted)} contacts")
    print(f"WEIGHTS = {tuple(float(weight) for weight in weights.round(2))}\nBIAS = {bias:.2f}")
    crossings = [
        choice
        for index, case in enumerate(cut_outs(arguments.data))
        if case.split != "test"
        for name in (None, *DISTURBED_BY)
        for choice in choices(case, *_maps(case, name, index))
    ]
    laid = [case for case in cut_outs(arguments.laid) if case.split != "test"]
    crossings += [choice for case in laid for choice in choices(case, *case.maps)]
    print(f"pairings: {len(crossings)} crossings")
    print(dict(zip(pairing.TERMS, fit_choices(crossings).round(2).tolist(), strict=True)))


if __name__ == "__main__":
    main()
