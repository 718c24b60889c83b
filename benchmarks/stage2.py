"""Stage 2 alone: true maps and image in, how many clusters come out right, and how fast.

    python -m benchmarks.stage2 [--data data/bioimlab] [--laid data/gband-laid-1 …] [--out reports/stage2.json]

SPAcc of contract §5 on the crossing clusters of the set, at IoU 0.7, 0.8 and 0.9, for the default algorithm and the
published one; with the true maps, and with maps disturbed as predictions are (the crossing shifted, grown or shrunk by
pixels, both outlines made ragged, specks and holes). The design of the algorithm saw train and val cases only, so test
stands by itself. Whole metaphases: chromosomes at IoU ≥ 0.8 and the error of the count. `--laid` adds sets of clusters
laid from single chromosomes. A cluster flagged for review counts as wrong.
Times are the best of five runs of one call on a 256×256 cut-out, one core, cutting out included.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from chromseg.annotations import (
    chromosome_map,
    crossing_clusters,
    crossing_map,
    cut_out,
    is_touching,
    load_image,
    load_masks,
    read_dataset,
)
from chromseg.dvc import folder_md5
from chromseg.files import write_json
from chromseg.metrics.splicing import match_instances, splice_quality
from chromseg.partition import partition_crossings
from chromseg.registry.lineage.gather import git_state, hardware

THRESHOLDS = (0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Case:
    """One cut-out with its truth."""

    split: str
    image: Any
    masks: Any
    touching: bool

    @property
    def maps(self) -> tuple[Any, Any]:
        """The true chromosome and crossing map."""
        return self.masks.any(axis=0), self.masks.sum(axis=0) >= 2


def cut_outs(root: Path) -> Iterator[Case]:
    dataset = read_dataset(root)
    for record in dataset.images:
        image, masks = load_image(dataset, record), load_masks(dataset, record)
        for cluster in crossing_clusters(masks):
            cut_image, cut_masks = cut_out(image, masks, cluster)
            yield Case(record.split, cut_image, cut_masks, is_touching(cut_masks))


def spacc(cases: list[Case], split: Callable[..., Any], disturb: Callable[..., Any] | None = None) -> dict[str, Any]:
    """SPAcc of all cases and of each group of them."""
    qualities = []
    for index, case in enumerate(cases):
        chromosome, crossing = case.maps
        if disturb is not None:
            chromosome, crossing = disturb(chromosome, crossing, np.random.default_rng(index))
        found = split(chromosome, crossing & chromosome, case.image)
        refused = any("needs-review" in flags for flags in found.flags)
        qualities.append(splice_quality(found.masks, case.masks, refused=refused))
    sizes = {"2": range(2, 3), "3": range(3, 4), "4_or_more": range(4, 100)}
    groups = {
        "all": [True] * len(cases),
        "train_val": [case.split != "test" for case in cases],
        "test": [case.split == "test" for case in cases],
        "without_touching": [not case.touching for case in cases],
        "with_touching": [case.touching for case in cases],
        **{f"of_{name}": [len(case.masks) in size for case in cases] for name, size in sizes.items()},
        **{
            f"test_of_{name}": [case.split == "test" and len(case.masks) in size for case in cases]
            for name, size in sizes.items()
        },
    }
    return {name: _shares(np.array(qualities)[np.array(chosen, dtype=bool)]) for name, chosen in groups.items()}


def _shares(qualities: Any) -> dict[str, Any]:
    shares = {
        f"sp_acc_{round(100 * t)}": round(float((qualities >= t).mean()), 4) for t in THRESHOLDS if qualities.size
    }
    return {"n": int(qualities.size), **shares}


def times_ms(cases: list[Case]) -> dict[str, float]:
    best = []
    for case in cases:
        chromosome, crossing = case.maps
        runs = []
        for _ in range(5):
            start = time.perf_counter()
            partition_crossings(chromosome, crossing, case.image)
            runs.append(1000 * (time.perf_counter() - start))
        best.append(min(runs))
    return {"median": round(float(np.median(best)), 2), "p95": round(float(np.percentile(best, 95)), 2)}


def whole_metaphases(root: Path) -> dict[str, Any]:
    dataset = read_dataset(root)
    counts: dict[str, list[tuple[int, int, int]]] = {"train_val": [], "test": []}
    for record in dataset.images:
        masks = load_masks(dataset, record)
        found = partition_crossings(chromosome_map(masks), crossing_map(masks), load_image(dataset, record)).masks
        _, ious = match_instances(found, masks)
        group = "test" if record.split == "test" else "train_val"
        counts[group].append((int((ious >= 0.8).sum()), len(masks), len(found) - len(masks)))
    return {
        group: {
            "n_images": len(rows),
            "n_chromosomes": sum(n for _, n, _ in rows),
            "recovered_80": round(sum(hits for hits, _, _ in rows) / sum(n for _, n, _ in rows), 4),
            "count_mae": round(float(np.mean([abs(error) for _, _, error in rows])), 3),
        }
        for group, rows in counts.items()
        if rows
    }


def _ragged(region: Any, rng: np.random.Generator, pixels: float) -> Any:
    """Move the outline by a smooth random field of that standard deviation."""
    signed = ndimage.distance_transform_edt(region) - ndimage.distance_transform_edt(~region)
    field = ndimage.gaussian_filter(rng.normal(size=region.shape), 2.0)
    return signed + field * (pixels / field.std()) > 0


def _specked(chromosome: Any, crossing: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Two false crossings of 3×3 px and two holes of 2×2 px in the chromosomes, two islands of 2×3 px outside."""
    chromosome, crossing = chromosome.copy(), crossing.copy()
    rows, cols = np.nonzero(chromosome)
    for _ in range(2):
        at = int(rng.integers(len(rows)))
        crossing[rows[at] - 1 : rows[at] + 2, cols[at] - 1 : cols[at] + 2] = True
        at = int(rng.integers(len(rows)))
        chromosome[rows[at] : rows[at] + 2, cols[at] : cols[at] + 2] = False
        row, col = rng.integers(4, min(chromosome.shape) - 4, size=2)
        chromosome[row : row + 2, col : col + 3] = True
    return chromosome, crossing


def _changed(change: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return lambda chromosome, crossing, rng: (chromosome, change(crossing, **options))


DISTURBANCES: dict[str, Callable[..., Any]] = {
    "crossing shifted by (1, 1)": _changed(np.roll, shift=(1, 1), axis=(0, 1)),
    "crossing grown by 1": _changed(ndimage.binary_dilation),
    "crossing grown by 2": _changed(ndimage.binary_dilation, iterations=2),
    "crossing shrunk by 1": _changed(ndimage.binary_erosion),
    "crossing shrunk by 2": _changed(ndimage.binary_erosion, iterations=2),
    "outlines ragged by 0.5 and 1": lambda f, c, rng: (_ragged(f, rng, 0.5), _ragged(c, rng, 1.0)),
    "outlines ragged by 0.7 and 1.5": lambda f, c, rng: (_ragged(f, rng, 0.7), _ragged(c, rng, 1.5)),
    "outlines ragged by 0.7 and 2": lambda f, c, rng: (_ragged(f, rng, 0.7), _ragged(c, rng, 2.0)),
    "specks and holes": _specked,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/bioimlab"))
    parser.add_argument("--laid", type=Path, nargs="*", default=[], help="sets of laid clusters with instances")
    parser.add_argument("--out", type=Path, default=Path("reports/stage2.json"))
    arguments = parser.parse_args()
    cases = list(cut_outs(arguments.data))
    as_published = partial(partition_crossings, algorithm="paper")
    figures: dict[str, Any] = {
        "data_md5": {root.name: folder_md5(root) for root in (arguments.data, *arguments.laid)},
        "git_commit": git_state()[0],
        "hardware": hardware(),
        "chromseg-ops": spacc(cases, partition_crossings),
        "paper": spacc(cases, as_published),
        "time_ms": times_ms(cases),
        "whole_metaphases": whole_metaphases(arguments.data),
        "disturbed": {
            name: {
                "chromseg-ops": spacc(cases, partition_crossings, disturb)["all"],
                "paper": spacc(cases, as_published, disturb)["all"],
            }
            for name, disturb in DISTURBANCES.items()
        },
    }
    for root in arguments.laid:
        laid = list(cut_outs(root))
        figures[root.name] = {"chromseg-ops": spacc(laid, partition_crossings), "paper": spacc(laid, as_published)}
    write_json(arguments.out, figures)
    print(f"wrote {arguments.out}: {figures['chromseg-ops']}")


if __name__ == "__main__":
    main()
