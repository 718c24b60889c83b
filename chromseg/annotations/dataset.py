"""An annotated dataset on disk: `dataset.yaml`, `images/…`, `annotations.json`, perhaps `maps/…`.

`annotations.json` is COCO instances; its images also carry `case_id` and `split`. A set in the ChromSeg form has no
instances but `maps/crossing/*.png` and `maps/chromosome/*.png`, named like its images.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image

from chromseg.annotations.rasterize import decode_rle, rasterize
from chromseg.annotations.records import (
    POLARITIES,
    STAINS,
    DatasetCard,
    ImageRecord,
    InstanceRecord,
    card_from,
    image_from,
    instance_from,
)
from chromseg.arrays import F32, I64, Bool
from chromseg.errors import DataError
from chromseg.files import replacing
from chromseg.images.absorbance import to_absorbance
from chromseg.images.pictures import read_grey

__all__ = [
    "POLARITIES",
    "STAINS",
    "Dataset",
    "DatasetCard",
    "ImageRecord",
    "InstanceRecord",
    "load_boxes",
    "load_classes",
    "load_ignored",
    "load_image",
    "load_maps",
    "load_masks",
    "read_dataset",
    "write_dataset",
]


_LATER = {"options", "group", "ignore", "quality", "cut_by"}  # fields that older sets do not have


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory; pixels stay on disk until `load_image` or `load_masks` asks for them."""

    root: Path
    card: DatasetCard
    images: tuple[ImageRecord, ...]
    instances: tuple[InstanceRecord, ...]
    categories: Mapping[int, str]

    @cached_property
    def instances_of(self) -> dict[int, tuple[InstanceRecord, ...]]:
        """Instances by image id, in file order; images without any are there with an empty tuple."""
        grouped: dict[int, list[InstanceRecord]] = {image.id: [] for image in self.images}
        for instance in self.instances:
            grouped[instance.image_id].append(instance)
        return {image_id: tuple(found) for image_id, found in grouped.items()}

    @property
    def has_maps(self) -> bool:
        """Whether the set is in the ChromSeg form: two maps an image, no instances."""
        return (self.root / "maps").is_dir()

    @property
    def has_masks(self) -> bool:
        """Whether any instance has a segmentation (box-only sets have none)."""
        return any(instance.segmentation for instance in self.instances)

    def in_split(self, split: str) -> tuple[ImageRecord, ...]:
        """The images of one split."""
        return tuple(image for image in self.images if image.split == split)


def read_dataset(root: Path) -> Dataset:
    """Read `dataset.yaml` and `annotations.json` below `root`.

    Raises:
        DataError: A file is missing, is not what its name says, or a record lacks a field; the message names it.
    """
    card_fields = _load(root / "dataset.yaml", yaml.safe_load, yaml.YAMLError)
    coco = _load(root / "annotations.json", json.loads, json.JSONDecodeError)
    for key in ("images", "annotations", "categories"):
        if not isinstance(coco.get(key), list):
            raise DataError(
                f"{root / 'annotations.json'} without a list `{key}`",
                expected="COCO instances: images, annotations, categories",
                remedy="import the set again",
            )
    where = f"{root.name}/annotations.json"
    images = tuple(image_from(entry, where) for entry in coco["images"])
    instances = tuple(instance_from(entry, where) for entry in coco["annotations"])
    known = {image.id for image in images}
    for instance in instances:
        if instance.image_id not in known:
            raise DataError(
                f"annotation {instance.id} of {root.name} for image {instance.image_id}, which is not listed",
                expected="an `image_id` of this file",
                remedy="remove the annotation or add the image",
            )
    card = card_from(card_fields, f"{root.name}/dataset.yaml")
    return Dataset(root, card, images, instances, _categories(coco["categories"], where))


def write_dataset(
    dataset: Dataset,
    pixels: Mapping[int, Path | bytes | npt.NDArray[Any]],
    maps: Mapping[int, tuple[Bool, Bool]] | None = None,
    *,
    replace: bool = False,
) -> None:
    """Write a whole dataset to `dataset.root` in one step: after a failure there is what was there before.

    Args:
        dataset: What to write; `root` must not exist yet unless it is to be replaced.
        pixels: By image id, the file to copy as it is, the bytes of one, or an array uint8/uint16 (H, W) or uint8
            (H, W, 3) to save as PNG; the record's `file_name` must then end in .png.
        maps: By image id, (crossing, chromosome) bool (H, W), for sets in the ChromSeg form.
        replace: Whether a dataset at `root` gives way to this one once it is written.

    Raises:
        DataError: `root` exists and is not to be replaced.
        OutputError: The place cannot be written.
    """
    if dataset.root.exists() and not replace:
        raise DataError(
            f"{dataset.root} exists already",
            expected="a new dataset name",
            remedy="choose another --name or remove the folder",
        )
    with replacing(dataset.root) as root:
        (root / "images").mkdir(parents=True)
        for image in dataset.images:
            _save_pixels(pixels[image.id], root / "images" / image.file_name)
        names = {image.id: image.file_name for image in dataset.images}
        for image_id, (crossing, chromosome) in (maps or {}).items():
            for kind, region in (("crossing", crossing), ("chromosome", chromosome)):
                target = (root / "maps" / kind / names[image_id]).with_suffix(".png")
                _save_pixels(region.astype(np.uint8) * 255, target)
        card = _plain(dataset.card)
        (root / "dataset.yaml").write_text(yaml.safe_dump(card, sort_keys=False, allow_unicode=True), encoding="utf-8")
        (root / "annotations.json").write_text(json.dumps(_as_coco(dataset)) + "\n")


def load_image(dataset: Dataset, image: ImageRecord) -> F32:
    """Read one image as absorbance, float32 (H, W).

    Raises:
        DataError: The file cannot be read or has another size than its record.
    """
    path = dataset.root / "images" / image.file_name
    grey = read_grey(path)
    if grey.shape != (image.height, image.width):
        raise DataError(
            f"{path} has {grey.shape[1]}×{grey.shape[0]} pixels",
            expected=f"{image.width}×{image.height} as its record says",
            remedy="import the set again",
        )
    return to_absorbance(grey, dataset.card.polarity)


def load_masks(dataset: Dataset, image: ImageRecord) -> Bool:
    """Rasterize the chromosomes of one image: bool (N, H, W), in file order; N may be 0.

    Crowds (clusters that nobody has parted, `iscrowd` 1) are no chromosomes and are left out, and so are those of
    which a box alone is known.
    """
    chromosomes = [i for i in dataset.instances_of[image.id] if i.is_outlined]
    masks = np.zeros((len(chromosomes), image.height, image.width), dtype=bool)
    for mask, instance in zip(masks, chromosomes, strict=True):
        mask[:] = rasterize(instance.segmentation, image.height, image.width)
    return masks


def load_ignored(dataset: Dataset, image: ImageRecord) -> Bool | None:
    """Pixels of one image of which nothing is known, bool (H, W): losses and scores leave them out; None for none.

    They are what the image's `ignore` says, else crowds and, in a set with masks, chromosomes of which a box alone is
    known: their outline, or their box where they have none.
    """
    if image.ignore:
        ignored = decode_rle(image.ignore, image.height, image.width)
    else:
        ignored = np.zeros((image.height, image.width), dtype=bool)
        for instance in dataset.instances_of[image.id]:
            if instance.iscrowd or (dataset.has_masks and not instance.is_outlined):
                ignored |= _region(instance, image)
    return ignored if ignored.any() else None


def _region(instance: InstanceRecord, image: ImageRecord) -> Bool:
    """The outline of an annotation, or its box where it has none: bool (H, W)."""
    if instance.segmentation:
        return rasterize(instance.segmentation, image.height, image.width)
    region = np.zeros((image.height, image.width), dtype=bool)
    left, top, width, height = instance.bbox
    rows, cols = (slice(max(round(low), 0), max(round(low + side), 0)) for low, side in ((top, height), (left, width)))
    region[rows, cols] = True
    return region


def load_boxes(dataset: Dataset, image: ImageRecord) -> tuple[F32, I64]:
    """Boxes of one image, clipped to it, and their classes: float32 (N, 4) xyxy and int64 (N,).

    Classes count from 1 in the order of category ids. Crowds, and boxes with nothing in the image, are left out.
    """
    chromosomes = [i for i in dataset.instances_of[image.id] if not i.iscrowd]
    corners = np.array([i.bbox for i in chromosomes], dtype=np.float32).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    size = np.array([image.width, image.height] * 2, dtype=np.float32)
    boxes = np.clip(corners, 0, size)
    labels = _classes(dataset, chromosomes)
    inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return boxes[inside], labels[inside]


def load_classes(dataset: Dataset, image: ImageRecord) -> I64:
    """Classes of the chromosomes of `load_masks`, int64 (N,), counted from 1 in the order of category ids."""
    return _classes(dataset, [i for i in dataset.instances_of[image.id] if i.is_outlined])


def _classes(dataset: Dataset, chromosomes: Sequence[InstanceRecord]) -> I64:
    rank = {category: number for number, category in enumerate(sorted(dataset.categories), start=1)}
    return np.array([rank[i.category_id] for i in chromosomes], dtype=np.int64)


def load_maps(dataset: Dataset, image: ImageRecord) -> tuple[Bool, Bool]:
    """Read the (crossing, chromosome) maps of one image of a set in the ChromSeg form, bool (H, W) each."""
    crossing, chromosome = (
        read_grey((dataset.root / "maps" / kind / image.file_name).with_suffix(".png")) > 0
        for kind in ("crossing", "chromosome")
    )
    return crossing, chromosome


def _as_coco(dataset: Dataset) -> dict[str, Any]:
    return {
        "images": [_plain(image) for image in dataset.images],
        "annotations": [_plain(instance) for instance in dataset.instances],
        "categories": [{"id": key, "name": name} for key, name in dataset.categories.items()],
    }


def _plain(record: DatasetCard | ImageRecord | InstanceRecord) -> dict[str, Any]:
    """Its fields, without later ones where they say nothing: a set's bytes do not change with our software."""
    usual = {
        one.name: one.default if one.default_factory is MISSING else one.default_factory() for one in fields(record)
    }
    return {key: value for key, value in asdict(record).items() if key not in _LATER or value != usual[key]}


def _save_pixels(source: Path | bytes | npt.NDArray[Any], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, Path):
        shutil.copyfile(source, target)
    elif isinstance(source, bytes):
        target.write_bytes(source)
    else:
        Image.fromarray(source).save(target)


def _load(path: Path, parse: Any, parse_error: type[Exception]) -> dict[str, Any]:
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(
            f"no {path}", expected="an imported dataset", remedy="run `chromseg-ops data import` first"
        ) from error
    except (parse_error, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} cannot be parsed ({error})",
            expected=f"valid {path.suffix[1:]}",
            remedy="import the set again",
        ) from error
    if not isinstance(value, dict):
        raise DataError(f"{path} holds {type(value).__name__}", expected="named fields", remedy="import the set again")
    return value


def _categories(entries: list[Any], where: str) -> dict[int, str]:
    try:
        return {int(entry["id"]): str(entry["name"]) for entry in entries}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: a category without id or name",
            expected="both",
            remedy="correct the file or import the set again",
        ) from error
