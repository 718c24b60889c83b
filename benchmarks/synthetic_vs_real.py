"""Do drawn metaphases have the statistics of real ones? Histograms side by side, and a look at both.

python -m benchmarks.synthetic_vs_real            # needs data/bioimlab; a minute
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

from chromseg.annotations import (
    MIN_CROSSING_AREA,
    Dataset,
    crossing_clusters,
    crossing_map,
    find_clusters,
    is_touching,
    label_regions,
    load_image,
    load_masks,
    read_dataset,
)
from chromseg.arrays import F32
from chromseg.dvc import folder_md5
from chromseg.files import replacing, write_json
from chromseg.synthesis import synthesize_dataset

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_SHOWN = 6  # cut-outs of each
_WINDOW = 96  # px
_OVERLAP_BINS = np.arange(0, 401, 20)
_AREA_BINS = np.arange(0, 2001, 80)


@dataclass(frozen=True)
class Statistics:
    """Areas in pixels, and clusters a metaphase."""

    areas: list[int]
    overlaps: list[int]
    ratios: list[float]  # median absorbance on a crossing over that beside it
    crossing: float
    crossing_and_touching: float
    touching_only: float
    windows: list[F32]

    def summary(self) -> dict[str, object]:
        """Percentiles and means, ready for JSON."""
        return {
            "area_5_50_95": np.percentile(self.areas, [5, 50, 95]).round().tolist(),
            "overlap_5_50_95": np.percentile(self.overlaps, [5, 50, 95]).round().tolist(),
            "absorbance_ratio_5_50_95": np.percentile(self.ratios, [5, 50, 95]).round(2).tolist(),
            "crossing_clusters": round(self.crossing, 2),
            "of_these_touching": round(self.crossing_and_touching, 2),
            "touching_only_clusters": round(self.touching_only, 2),
        }


def main() -> None:
    arguments = _arguments()
    real = read_dataset(arguments.real)
    with tempfile.TemporaryDirectory() as scratch:
        drawn = synthesize_dataset(
            Path(scratch), "drawn", count=arguments.images, seed=arguments.seed, polarity=real.card.polarity
        )
        facts = {"bioimlab": _facts(real), "drawn": _facts(drawn)}
    with replacing(arguments.out / "synthetic_vs_real.png") as temporary:
        shown = list(facts) if arguments.real_crops else ["drawn"]
        _draw(facts, shown).savefig(temporary, format="png", dpi=100)
    report = {name: each.summary() for name, each in facts.items()}
    report["of"] = {"bioimlab_md5": folder_md5(real.root), "drawn": arguments.images, "seed": arguments.seed}
    write_json(arguments.out / "synthetic_vs_real.json", report)
    for name, each in facts.items():
        print(name, each.summary())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("data/bioimlab"), help="real dataset with masks")
    parser.add_argument("--images", type=int, default=100, help="metaphases to draw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder of the PNG and JSON")
    parser.add_argument("--real-crops", action="store_true", help="also show real crops: for your eyes, not for git")
    return parser.parse_args()


def _facts(dataset: Dataset) -> Statistics:
    areas: list[int] = []
    overlaps: list[int] = []
    ratios: list[float] = []
    windows: list[F32] = []
    counts = np.zeros(3)
    for image in dataset.images:
        masks, absorbance = load_masks(dataset, image), load_image(dataset, image)
        areas += masks.sum(axis=(1, 2)).tolist()
        crossing = crossing_map(masks)
        labels, _ = label_regions(crossing)
        sizes = np.bincount(labels.ravel())[1:]
        overlaps += sizes[sizes >= MIN_CROSSING_AREA].tolist()
        for cluster in crossing_clusters(masks):
            beside = cluster.region & ~crossing
            ratios.append(float(np.median(absorbance[cluster.region & crossing]) / np.median(absorbance[beside])))
            own = masks[list(cluster.indices)] & cluster.region
            counts += (1, is_touching(own), 0)
            if len(windows) < _SHOWN and cluster.size < _WINDOW:
                windows.append(_window(absorbance, cluster.bbox))
        counts[2] += sum(len(c.indices) > 1 and not c.has_crossing for c in find_clusters(masks))
    crossing_ones, these_touching, touching_only = (counts / len(dataset.images)).tolist()
    return Statistics(areas, overlaps, ratios, crossing_ones, these_touching, touching_only, windows)


def _window(absorbance: F32, bbox: tuple[int, int, int, int]) -> F32:
    middle = np.array([bbox[0] + bbox[2], bbox[1] + bbox[3]]) // 2
    row, col = np.clip(middle - _WINDOW // 2, 0, np.array(absorbance.shape) - _WINDOW)
    return absorbance[row : row + _WINDOW, col : col + _WINDOW]


def _draw(facts: dict[str, Statistics], shown: list[str]) -> plt.Figure:
    figure = plt.figure(figsize=(12, 4.2 + 2 * len(shown)), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4, 2 * len(shown)))
    left, right = above.subplots(1, 2)
    for name, each in facts.items():
        style = {"density": True, "histtype": "step", "linewidth": 1.8, "label": name}
        left.hist(each.areas, bins=_AREA_BINS, **style)
        right.hist(each.overlaps, bins=_OVERLAP_BINS, **style)
    left.set(xlabel="area of a chromosome, px", ylabel="density a px", title="Chromosome area")
    right.set(xlabel="area of a crossing region ≥ 40 px, px", title="Crossing area")
    left.legend()
    axes = below.subplots(len(shown), _SHOWN, squeeze=False)
    for row, name in zip(axes, shown, strict=True):
        for axis, window in zip(row, facts[name].windows, strict=False):
            axis.imshow(window, cmap="gray", vmin=0, vmax=1)
        for axis in row:
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name)
    return figure


if __name__ == "__main__":
    main()
