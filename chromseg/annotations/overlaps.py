"""How often chromosomes cross: the statistics of ChromSeg's Table I, counted on a dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from chromseg.annotations.clusters import (
    CUTOUT_SIZE,
    MIN_CROSSING_AREA,
    find_clusters,
    is_touching,
    regions_of_at_least,
)
from chromseg.annotations.dataset import Dataset, load_maps, load_masks
from chromseg.annotations.maps import label_regions

_MANY = 5  # Table I's last row: five chromosomes or more


@dataclass(frozen=True)
class OverlapRow:
    """One row of Table I.

    Attributes:
        chromosomes: Of one crossing cluster: "2", "3", "4" or "5 or more".
        clusters: How many such clusters.
        share: Chromosomes in such clusters over all of the set, 0-1. The paper takes its last row as fives; here each
            chromosome counts.
    """

    chromosomes: str
    clusters: int
    share: float


@dataclass(frozen=True)
class Overlaps:
    """How the chromosomes of a dataset cross.

    Attributes:
        crossing_clusters: Clusters with a crossing of at least 40 px; in a set of maps, such crossings themselves.
        fitting: Of these, clusters that fit 256×256, the unit of ChromSeg; None in a set of maps.
        touching: Of those that fit, clusters whose arms also touch where no crossing parts them; None likewise.
        rows: Table I, all sizes of cluster; empty in a set of maps, which knows no single chromosome.
        share: Chromosomes in any crossing cluster over all of the set, 0-1; None likewise.
    """

    crossing_clusters: int
    fitting: int | None = None
    touching: int | None = None
    rows: tuple[OverlapRow, ...] = ()
    share: float | None = None


def count_overlaps(dataset: Dataset) -> Overlaps | None:
    """Count the crossings of a dataset; None where it has boxes alone.

    Raises:
        DataError: An outline or map cannot be read.
    """
    if dataset.has_maps:
        crossings = (load_maps(dataset, image)[0] for image in dataset.images)
        return Overlaps(sum(label_regions(regions_of_at_least(one, MIN_CROSSING_AREA))[1] for one in crossings))
    return _among_instances(dataset) if dataset.has_masks else None


def _among_instances(dataset: Dataset) -> Overlaps:
    sizes: Counter[int] = Counter()
    fitting = touching = total = 0
    for image in dataset.images:
        masks = load_masks(dataset, image)
        total += len(masks)
        for cluster in find_clusters(masks):
            if not cluster.has_crossing:
                continue
            sizes[len(cluster.indices)] += 1
            if cluster.size <= CUTOUT_SIZE:
                fitting += 1
                touching += is_touching(masks[list(cluster.indices)] & cluster.region)
    rows = tuple(_row(sizes, number, total) for number in range(2, _MANY + 1))
    return Overlaps(sizes.total(), fitting, touching, rows, sum(row.share for row in rows))


def _row(sizes: Counter[int], number: int, total: int) -> OverlapRow:
    held = {size: count for size, count in sizes.items() if size == number or (number == _MANY and size > _MANY)}
    inside = sum(size * count for size, count in held.items())
    label = f"{number} or more" if number == _MANY else str(number)
    return OverlapRow(label, sum(held.values()), inside / total if total else 0.0)
