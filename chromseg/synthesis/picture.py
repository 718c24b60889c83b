"""Pictures with exact truth, and how they become a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chromseg.annotations.dataset import Dataset, DatasetCard, ImageRecord, InstanceRecord, write_dataset
from chromseg.annotations.rasterize import BoolArray, encode_rle

CATEGORIES = {1: "chromosome"}


@dataclass(frozen=True)
class Picture:
    """One image with its truth.

    Attributes:
        name: File name without suffix, unique within a set.
        case_id: The case it belongs to.
        split: train, val or test: that of its case.
        image: uint8 (H, W).
        masks: bool (N, H, W), one a chromosome, none empty.
    """

    name: str
    case_id: str
    split: str
    image: npt.NDArray[np.uint8]
    masks: BoolArray


def write_pictures(root: Path, card: DatasetCard, pictures: Sequence[Picture]) -> Dataset:
    """Write pictures as a dataset at `root`, which must not exist yet, and return it."""
    images: list[ImageRecord] = []
    instances: list[InstanceRecord] = []
    for number, picture in enumerate(pictures, start=1):
        height, width = picture.image.shape
        images.append(ImageRecord(number, f"{picture.name}.png", width, height, picture.case_id, picture.split))
        instances += [_instance(len(instances) + k, number, mask) for k, mask in enumerate(picture.masks, start=1)]
    dataset = Dataset(root, card, tuple(images), tuple(instances), CATEGORIES)
    write_dataset(dataset, {number: picture.image for number, picture in enumerate(pictures, start=1)})
    return dataset


def _instance(number: int, image_id: int, mask: BoolArray) -> InstanceRecord:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (float(cols[0]), float(rows[0]), float(cols[-1] - cols[0] + 1), float(rows[-1] - rows[0] + 1))
    return InstanceRecord(number, image_id, 1, encode_rle(mask), box, float(mask.sum()))
