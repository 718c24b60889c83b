"""A drawn dataset that is clean by construction, and a way to plant one defect in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.annotations import Dataset, DatasetCard, ImageRecord, InstanceRecord, rasterize, write_dataset

SIDE = 96


@dataclass
class Draft:
    """A dataset before it is written: whatever a test wants to spoil."""

    card: DatasetCard
    images: list[ImageRecord]
    instances: list[InstanceRecord]
    categories: dict[int, str]
    pixels: dict[int, npt.NDArray[Any]]
    maps: dict[int, tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]] = field(default_factory=dict)

    def change_image(self, index: int, **values: Any) -> None:
        self.images[index] = replace(self.images[index], **values)

    def change_instance(self, index: int, **values: Any) -> None:
        self.instances[index] = replace(self.instances[index], **values)

    def write(self, root: Path) -> Path:
        dataset = Dataset(root, self.card, tuple(self.images), tuple(self.instances), self.categories)
        write_dataset(dataset, self.pixels, self.maps)
        return root


def draw(polygons: list[list[float]], seed: int = 0, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """Dark banded bars on a light ground, slightly blurred and noisy: uint8 (side, side)."""
    rng = np.random.default_rng(seed)
    bands = 0.75 + 0.25 * np.sin(np.arange(side) / 2.0)
    absorbance = np.zeros((side, side))
    for polygon in polygons:
        absorbance = np.maximum(absorbance, rasterize([polygon], side, side) * bands)
    smooth = ndimage.gaussian_filter(absorbance, 1.0)
    return np.clip(235 - 170 * smooth + rng.normal(0, 2, smooth.shape), 0, 255).astype(np.uint8)


def bars(seed: int, side: int = SIDE) -> list[list[float]]:
    """Four upright bars of different length, one in each quarter."""
    rng = np.random.default_rng(seed)
    found = []
    for row, col in ((4, 4), (4, 52), (52, 4), (52, 52)):
        x, y, height = col + rng.integers(0, 25), row + rng.integers(0, 8), rng.integers(18, 30)
        found.append([float(v) for v in (x, y, x + 9, y, x + 9, y + height, x, y + height)])
    return found


def instance(number: int, image_id: int, polygon: list[float]) -> InstanceRecord:
    (x0, x1), (y0, y1) = ((min(c), max(c)) for c in (polygon[::2], polygon[1::2]))
    return InstanceRecord(number, image_id, 1, [polygon], (x0, y0, x1 - x0, y1 - y0), (x1 - x0) * (y1 - y0))


def clean_draft() -> Draft:
    card = DatasetCard("drawn", "synthetic", "dark-on-light", "tests", "MIT", "none", "tests", "1")
    draft = Draft(card, [], [], {1: "chromosome"}, {})
    for image_id, split in enumerate(("train", "train", "val", "test"), start=1):
        draft.images.append(ImageRecord(image_id, f"{image_id}.png", SIDE, SIDE, f"case{image_id}", split))
        polygons = bars(image_id)
        draft.pixels[image_id] = draw(polygons, image_id)
        draft.instances += [instance(10 * image_id + k, image_id, polygon) for k, polygon in enumerate(polygons)]
    return draft


def maps_draft() -> Draft:
    """The same images in the ChromSeg form: two maps each, no instances; crossings drawn inside the chromosomes."""
    draft = clean_draft()
    for image in draft.images:
        chromosome = np.zeros((SIDE, SIDE), dtype=bool)
        for found in (i for i in draft.instances if i.image_id == image.id):
            chromosome |= rasterize(found.segmentation, SIDE, SIDE)
        draft.maps[image.id] = (ndimage.binary_erosion(chromosome, iterations=3), chromosome)
    draft.instances = []
    return draft
