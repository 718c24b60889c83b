"""Pictures with exact truth, and how they become a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chromseg.annotations.dataset import Dataset, DatasetCard, ImageRecord, InstanceRecord, write_dataset
from chromseg.annotations.rasterize import encode_rle
from chromseg.arrays import U8, Bool
from chromseg.boxes import box_of

CATEGORIES = {1: "chromosome"}


@dataclass(frozen=True)
class DrawnPicture:
    """One image with its truth.

    Attributes:
        name: File name without suffix, unique within a set.
        case_id: The case it belongs to.
        split: train, val or test: that of its case.
        image: uint8 (H, W).
        masks: bool (N, H, W), one a chromosome, none empty.
        classes: Category of each, from 1; empty where all are of the first.
    """

    name: str
    case_id: str
    split: str
    image: U8
    masks: Bool
    classes: tuple[int, ...] = ()


def write_pictures(
    root: Path, card: DatasetCard, pictures: Iterable[DrawnPicture], categories: Mapping[int, str] = CATEGORIES
) -> Dataset:
    """Write pictures as a dataset at `root`, which must not exist yet, and return it.

    Of each picture only pixels and compressed masks are kept, so they may come one after the other.
    """
    images: list[ImageRecord] = []
    instances: list[InstanceRecord] = []
    pixels: dict[int, U8] = {}
    for number, picture in enumerate(pictures, start=1):
        height, width = picture.image.shape
        images.append(ImageRecord(number, f"{picture.name}.png", width, height, picture.case_id, picture.split))
        classes = picture.classes or (1,) * len(picture.masks)
        for mask, category in zip(picture.masks, classes, strict=True):
            instances.append(_instance(len(instances) + 1, number, mask, category))
        pixels[number] = picture.image
    dataset = Dataset(root, card, tuple(images), tuple(instances), dict(categories))
    write_dataset(dataset, pixels)
    return dataset


def _instance(number: int, image_id: int, mask: Bool, category: int) -> InstanceRecord:
    left, top, right, bottom = box_of(mask)
    box = (float(left), float(top), float(right - left), float(bottom - top))
    return InstanceRecord(number, image_id, category, encode_rle(mask), box, float(mask.sum()))
