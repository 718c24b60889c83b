"""A dataset in figures: counts, sizes, splits and cases, overlaps (ChromSeg's Table I), areas (UCRD-Net's Fig. 3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chromseg.annotations.dataset import Dataset
from chromseg.annotations.overlaps import Overlaps, count_overlaps
from chromseg.annotations.splits import SPLITS
from chromseg.arrays import F64
from chromseg.files import replacing

_BINS = 60


@dataclass(frozen=True)
class Spread:
    """How a quantity is spread: extremes, 5th and 95th percentile, median."""

    least: float
    p5: float
    median: float
    p95: float
    greatest: float


@dataclass(frozen=True)
class SplitCounts:
    """What one split holds."""

    images: int
    cases: int
    chromosomes: int


@dataclass(frozen=True)
class Summary:
    """A dataset in figures.

    Attributes:
        name: Of the dataset; with stain, polarity and licence from its card.
        images: How many.
        cases: How many different ones.
        chromosomes: Annotations of one chromosome each.
        unparted: Annotations of clusters that nobody has parted (COCO crowds).
        categories: Chromosomes (and unparted clusters) by category, in the order of the file.
        splits: By train, val and test.
        shared_cases: Cases that lie in more than one split; there should be none.
        width: Of images, in pixels; None without images, and so on.
        height: Likewise.
        per_image: Chromosomes an image.
        area: Of chromosomes in pixels, of their boxes where there is no mask.
        overlaps: None where there are boxes alone.
    """

    name: str
    stain: str
    polarity: str
    licence: str
    images: int
    cases: int
    chromosomes: int
    unparted: int
    categories: dict[str, int]
    splits: dict[str, SplitCounts]
    shared_cases: tuple[str, ...]
    width: Spread | None
    height: Spread | None
    per_image: Spread | None
    area: Spread | None
    overlaps: Overlaps | None

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def summarize(dataset: Dataset) -> Summary:
    """Count and measure a dataset; every outline is rasterised.

    Raises:
        DataError: An outline or map cannot be read.
    """
    chromosomes = [instance for instance in dataset.instances if not instance.iscrowd]
    categories = [instance.category_id for instance in dataset.instances]
    return Summary(
        name=dataset.card.name,
        stain=dataset.card.stain,
        polarity=dataset.card.polarity,
        licence=dataset.card.licence,
        images=len(dataset.images),
        cases=len({image.case for image in dataset.images}),
        chromosomes=len(chromosomes),
        unparted=len(dataset.instances) - len(chromosomes),
        categories={name: categories.count(number) for number, name in dataset.categories.items()},
        splits={split: _counts(dataset, split) for split in SPLITS},
        shared_cases=_shared_cases(dataset),
        width=_spread([image.width for image in dataset.images]),
        height=_spread([image.height for image in dataset.images]),
        per_image=_spread([_chromosomes_on(dataset, image.id) for image in dataset.images]),
        area=_spread(areas_of(dataset)),
        overlaps=count_overlaps(dataset),
    )


def areas_of(dataset: Dataset) -> F64:
    """Areas of all chromosomes in pixels, float64 (N,), in file order; of their boxes where there is no mask."""
    return np.array([instance.area for instance in dataset.instances if not instance.iscrowd], dtype=np.float64)


def draw_area_histogram(dataset: Dataset, path: Path) -> None:
    """Write the histogram of chromosome areas (UCRD-Net Fig. 3) as PNG.

    Raises:
        OutputError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    areas = areas_of(dataset)
    kind = "chromosome" if dataset.has_masks else "box"
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    if areas.size:
        axes.hist(areas, bins=_BINS, range=(0, float(areas.max())), color="#4878a8", edgecolor="white", linewidth=0.3)
        median = float(np.median(areas))
        axes.axvline(median, color="black", linewidth=1)
        axes.annotate(f" median {median:,.0f}", (median, 0.98), xycoords=("data", "axes fraction"), va="top")
    axes.set(
        title=f"{dataset.card.name}: {areas.size:,} {'chromosomes' if kind == 'chromosome' else 'boxes'}",
        xlabel=f"{kind} area in pixels",
        ylabel="number",
    )
    axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def _counts(dataset: Dataset, split: str) -> SplitCounts:
    images = dataset.in_split(split)
    cases = {image.case for image in images}
    return SplitCounts(len(images), len(cases), sum(_chromosomes_on(dataset, image.id) for image in images))


def _chromosomes_on(dataset: Dataset, image_id: int) -> int:
    return sum(not instance.iscrowd for instance in dataset.instances_of[image_id])


def _shared_cases(dataset: Dataset) -> tuple[str, ...]:
    splits: dict[str, set[str]] = {}
    for image in dataset.images:
        splits.setdefault(image.case, set()).add(image.split)
    return tuple(case for case, found in splits.items() if len(found) > 1)


def _spread(values: list[int] | F64) -> Spread | None:
    if not len(values):
        return None
    return Spread(*(float(value) for value in np.percentile(values, [0, 5, 50, 95, 100])))
