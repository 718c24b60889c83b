"""Facts of an annotated dataset as three tables: the set, its images, its annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chromseg.annotations.dataset import Dataset, ImageRecord, InstanceRecord, load_maps
from chromseg.annotations.splits import SPLITS
from chromseg.arrays import Bool
from chromseg.errors import DataError
from chromseg.images.pictures import read_grey
from chromseg.validation.annotation_facts import Footprint, add_copies, annotation_facts
from chromseg.validation.facts import PIXEL_FACTS, SHAPE_FACTS, Facts, image_facts
from chromseg.validation.grouping import Likeness, look_at

_FEWEST_PIXELS = 20  # of chromosome and of ground, to tell which is darker
_BOX_CORE = 0.25  # of a box's sides, cut off on each side: its middle is mostly chromosome


@dataclass(frozen=True)
class DatasetFacts:
    """The tables that dataset rules judge; every row has `file`."""

    dataset: list[Facts]  # one row
    images: list[Facts]
    annotations: list[Facts]
    looks: list[Likeness]  # of each image

    @property
    def median_area(self) -> float | None:
        """Median mask area in px; None without masks."""
        areas = [row["mask_area_px"] for row in self.annotations if row["mask_area_px"]]
        return float(np.median(areas)) if areas else None


def dataset_facts(dataset: Dataset) -> DatasetFacts:
    """Measure a dataset: every image is decoded, every outline filled; nothing is raised for what is wrong.

    Args:
        dataset: The dataset, its pixels on disk.

    Returns:
        Tables of one row for the set, one an image in file order, one an annotation. What only shows between images
        is not in them yet (`grouping.add_group_facts`).
    """
    images: list[Facts] = []
    annotations: list[Facts] = []
    looks: list[Likeness] = []
    measured: set[int] = set()
    for image in dataset.images:
        instances = () if image.id in measured else dataset.instances_of[image.id]
        measured.add(image.id)
        rows, footprints, chromosomes = [], [], _nothing(image)
        for instance in instances:
            row, mask = annotation_facts(instance, image)
            rows.append(row)
            footprints.append(Footprint.of(instance, mask))
            chromosomes |= _box_core(instance, image) if mask is None else mask
        add_copies(rows, footprints)
        facts, look = _image_row(dataset, image, chromosomes)
        images.append(facts | {"n_annotations": None if dataset.has_maps else len(instances)})
        annotations += rows
        looks.append(look)
    return DatasetFacts([_dataset_row(dataset)], images, annotations, looks)


def unusable_dataset(name: str, error: DataError) -> DatasetFacts:
    """The facts of a set whose `dataset.yaml` or `annotations.json` cannot be used."""
    return DatasetFacts([{"file": name, "unusable": f"{error.got}; expected {error.expected}"}], [], [], [])


def _dataset_row(dataset: Dataset) -> Facts:
    missing = [split for split in SPLITS if not dataset.in_split(split)] if dataset.images else []
    return {
        "file": "annotations.json",
        "unusable": None,
        "n_images": len(dataset.images),
        "missing_splits": ", ".join(missing) or None,
    }


def _image_row(dataset: Dataset, image: ImageRecord, chromosomes: Bool) -> tuple[Facts, Likeness]:
    row: Facts = {"file": image.file_name, "unreadable": None, "other_size": None, "polarity": None}
    row |= {
        "dataset": dataset.root.name,
        "cases_of": dataset.card.cases_of,
        "image_id": image.id,
        "case_id": image.case,
        "split": image.split,
    }
    row |= dict.fromkeys(SHAPE_FACTS + PIXEL_FACTS)
    try:
        grey = read_grey(dataset.root / "images" / image.file_name, image.file_name)
    except DataError as error:
        return row | {"unreadable": error.got}, Likeness()
    row |= image_facts(grey)
    blank = row.pop("polarity") is None  # its estimate; the annotations know better
    if grey.shape != (image.height, image.width):
        return row | {"other_size": f"{grey.shape[1]}×{grey.shape[0]}, not {image.width}×{image.height}"}, Likeness()
    if dataset.has_maps:
        map_facts, chromosomes = _map_facts(dataset, image)
        row |= map_facts
    return row | {"polarity": None if blank else _polarity(grey, chromosomes)}, look_at(grey)


def _map_facts(dataset: Dataset, image: ImageRecord) -> tuple[Facts, Bool]:
    nothing = _nothing(image)
    shape = nothing.shape
    try:
        crossing, chromosome = load_maps(dataset, image)
    except DataError as error:
        return {"map_problem": error.got, "crossing_outside_px": None}, nothing
    if crossing.shape != shape or chromosome.shape != shape:
        sizes = f"crossing {crossing.shape}, chromosome {chromosome.shape}, image {shape}"
        return {"map_problem": sizes, "crossing_outside_px": None}, nothing
    return {"map_problem": None, "crossing_outside_px": int((crossing & ~chromosome).sum())}, chromosome


def _polarity(grey: npt.NDArray[Any], chromosomes: Bool) -> str | None:
    """Which side of the ground the annotated chromosomes are on; None if the pixels do not show it."""
    if not _FEWEST_PIXELS <= chromosomes.sum() <= chromosomes.size - _FEWEST_PIXELS:
        return None
    inside, outside = np.mean(grey[chromosomes]), np.median(grey[~chromosomes])
    if not np.isfinite(inside) or inside == outside:
        return None
    return "light-on-dark" if inside > outside else "dark-on-light"


def _box_core(instance: InstanceRecord, image: ImageRecord) -> Bool:
    """The middle of a box, where a chromosome most likely is: bool (H, W)."""
    core = _nothing(image)
    if not instance.segmentation:
        left, top, width, height = instance.bbox
        rows = slice(max(0, round(top + _BOX_CORE * height)), max(0, round(top + (1 - _BOX_CORE) * height)))
        cols = slice(max(0, round(left + _BOX_CORE * width)), max(0, round(left + (1 - _BOX_CORE) * width)))
        core[rows, cols] = True
    return core


def _nothing(image: ImageRecord) -> Bool:
    """An empty map bool (H, W), also for a record with a size below zero."""
    return np.zeros((max(0, image.height), max(0, image.width)), dtype=bool)
