"""Fit the weights of crossing-partition: likely seams and likely pairings.

    chromseg-ops data synthesize --name gband-laid-1 --count 480 --seed 1 --from gband-singles
    chromseg-ops data synthesize --name gband-crowded-1 --count 240 --seed 1 --from gband-singles --crowded
    python -m benchmarks.fit_partition [--data data/bioimlab] [--laid …] [--crowded …]

Reads the cases that are not test. Seams, from `--data` and `--laid`: all fragments are merged in orders that the truth
allows, and every seam met on the way is an example, a real one as much as four (logistic regression). Pairings, from
all three: every crossing of the true maps, and of `--data`'s maps disturbed as predictions are, is a choice among its
pairings (softmax; right is what joins the same arms). Prints the lines for `chromseg/partition/seams.py` and
`pairing.py`; the latter depend on the former, so run it again when these have changed. Other seeds, mixes or
disturbances differ by a cluster or two.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, optimize

from benchmarks.stage2 import DISTURBANCES, Case, cut_outs
from chromseg.annotations import chromosome_map, crossing_map, label_regions, load_image, load_masks, read_dataset
from chromseg.evaluation.seams import fit_seams, pixels_held, seams_of
from chromseg.partition import cluster, pairing, parts, ports, touching

DISTURBED_BY = ("crossing shrunk by 1", "outlines ragged by 0.7 and 1.5", "specks and holes")
REAL = 4  # laid examples that a real one is worth: else whole metaphases of real images are cut too much
PURE = 0.8  # share of a part that must be one chromosome's for the part to be an example


def seam_examples(root: Path, rng: np.random.Generator) -> tuple[list[Any], list[bool]]:
    """Measures of seams, and whether each parts two chromosomes."""
    dataset = read_dataset(root)
    measured, parted = [], []
    for record in dataset.images:
        if record.split == "test":
            continue
        image, masks = load_image(dataset, record), load_masks(dataset, record)
        chromosome, crossing = chromosome_map(masks), crossing_map(masks)
        owner = np.where(crossing | ~chromosome, 0, masks.argmax(axis=0) + 1)
        labels, _ = label_regions(chromosome)
        for label, window in enumerate(ndimage.find_objects(labels), start=1):
            region = labels[window] == label
            known = (owner[window], len(masks))
            found = seams_of(region, crossing[window] & region, image[window], None, known, rng)
            for measures, is_contact in found:
                measured.append(measures)
                parted.append(is_contact)
    return measured, parted


def choices(case: Case, chromosome: Any, crossing: Any) -> list[tuple[Any, Any]]:
    """For each crossing, the terms of all its pairings and which of them come out right."""
    owner = np.where(case.masks.sum(axis=0) == 1, case.masks.argmax(axis=0) + 1, 0)
    labels, _ = label_regions(chromosome)
    found = []
    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        region = labels[window] == label
        width = cluster.chromosome_width(region)
        cut = parts.cut_parts(region, crossing[window] & region, width)
        cut, _ = touching.part_touching(cut, region, case.image[window], None, width)
        held = pixels_held(cut.free, cut.n_free + 1, owner[window], len(case.masks))
        for at in ports.find_crossings(cut, max(10, round(cluster._REACH * width)), width):
            arms = pairing.by_area(at)
            right = _right_outcome(arms, held)
            if right is None or len(arms) < 2:
                continue
            is_right = np.array(
                [pairing.outcome(pairing.joined(matching, arms)[0], arms) == right for matching in pairing.tried(at)]
            )
            if is_right.any():
                found.append((pairing.terms(at), is_right))
    return found


def _maps(case: Case, disturbance: str | None, seed: int) -> tuple[Any, Any]:
    if disturbance is None:
        return case.maps
    chromosome, crossing = DISTURBANCES[disturbance](*case.maps, np.random.default_rng(seed))
    return chromosome, crossing & chromosome


def _right_outcome(arms: list[ports.Port], held: Any) -> pairing.Owners | None:
    """Which ports are of one chromosome, as `pairing.outcome` says it; None where a part is of two."""
    counts = held[[port.part for port in arms]]
    mixed = counts.max(axis=1, initial=0) < PURE * counts.sum(axis=1)
    if any(mixed & [not port.is_stub for port in arms]):
        return None
    large = [int(count.argmax()) for count, port in zip(counts, arms, strict=True) if not port.is_crumb]
    return tuple(large.index(owner) for owner in large)


def fit_choices(crossings: list[tuple[Any, Any]], ridge: float = 0.001) -> Any:
    """Weights of the terms of a pairing under which right outcomes are likeliest."""

    def loss(weights: Any) -> tuple[float, Any]:
        total, slope = ridge / 2 * weights @ weights * len(crossings), ridge * weights * len(crossings)
        for terms, right in crossings:
            costs = terms @ weights
            odds = np.exp(costs.min() - costs)
            total -= np.log(odds[right].sum() / odds.sum())
            slope = slope + terms.T @ (right * odds / odds[right].sum() - odds / odds.sum())
        return total / len(crossings), slope / len(crossings)

    return optimize.minimize(loss, np.zeros(len(pairing.TERMS)), jac=True, method="L-BFGS-B").x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/bioimlab"))
    parser.add_argument("--laid", type=Path, default=Path("data/gband-laid-1"))
    parser.add_argument("--crowded", type=Path, default=Path("data/gband-crowded-1"))
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    real, laid = (seam_examples(root, rng) for root in (arguments.data, arguments.laid))
    measured, parted = (REAL * from_real + from_laid for from_real, from_laid in zip(real, laid, strict=True))
    fitted = fit_seams(np.array(measured), np.array(parted))
    print(f"seams: {len(real[1])} real and {len(laid[1])} laid examples")
    print(f"BY_SHAPE = {fitted}")
    crossings = [
        choice
        for root in (arguments.data, arguments.laid, arguments.crowded)
        for index, case in enumerate(case for case in cut_outs(root) if case.split != "test")
        for name in (None, *(DISTURBED_BY if root == arguments.data else ()))
        for choice in choices(case, *_maps(case, name, index))
    ]
    print(f"pairings: {len(crossings)} crossings")
    print(dict(zip(pairing.TERMS, fit_choices(crossings).round(2).tolist(), strict=True)))


if __name__ == "__main__":
    main()
