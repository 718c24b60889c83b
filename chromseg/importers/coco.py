"""COCO instances: polygons, run lengths, or boxes alone; `case_id` and `split` of the data contract are kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chromseg.errors import DataError
from chromseg.importers import folders, source
from chromseg.importers.classes import class_of
from chromseg.importers.folders import SPLIT_FOLDERS, PictureIndex
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, ImportOptions


@dataclass(frozen=True)
class _Entry:
    """One image of one COCO file, with all that the file says of it."""

    file: Path
    image: dict[str, Any]
    annotations: list[dict[str, Any]]
    categories: dict[str, str]
    split: str | None
    crowds: bool  # whether `iscrowd` can be believed


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read one COCO file, or every one below a folder (say instances_train.json and instances_val.json).

    Args:
        src: A JSON file, or a folder with JSON files and images.
        options: `classes` and `ignore` concern category names.

    Raises:
        DataError: There is no JSON file, or one is not COCO instances.
    """
    src = src.resolve()
    files = [src] if src.is_file() else folders.files_below(folders.check_folder(src), (".json",))
    if not files:
        raise folders.nothing_found(src, "COCO file (*.json)")
    top = src if src.is_dir() else src.parent
    if src.is_file() and top.name.lower() == "annotations":
        top = top.parent
    pictures = PictureIndex(top)
    entries: list[tuple[str, _Entry]] = []
    problems: list[DataError] = []
    for file in files:
        try:
            content = _checked(folders.read_json(file))
        except DataError as error:
            problems.append(source.in_place(error, folders.relative(file, top)))
            continue
        name = folders.relative(file, top)
        entries += [(f"{name}: {entry.image['file_name']}", entry) for entry in _entries(file, content)]
        problems += _orphans(name, content)
    found = source.collect(entries, lambda entry: _read_image(entry, pictures, options))
    return folders.with_unannotated(replace(found, problems=(*problems, *found.problems)), pictures)


def _key(number: object) -> str:
    """An id as it is compared: 1, 1.0 and "1" are one."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number).strip()


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """The content, if it has the three lists, and each entry what it cannot do without."""
    needed = {"images": ("id", "file_name"), "annotations": ("image_id", "category_id"), "categories": ("id", "name")}
    for key, fields in needed.items():
        entries = content.get(key)
        if not isinstance(entries, list):
            raise DataError(f"no list `{key}`", expected="COCO instances", remedy="correct the file or the format")
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict) or not all(field in entry for field in fields):
                raise DataError(
                    f"{key}[{index}] without {' or '.join(fields)}",
                    expected="COCO instances",
                    remedy="correct the file",
                )
    if not content["images"]:
        raise DataError("an empty list of images", expected="at least one", remedy="correct the file or leave it out")
    return content


def _entries(file: Path, content: dict[str, Any]) -> Iterator[_Entry]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for annotation in content["annotations"]:
        grouped.setdefault(_key(annotation["image_id"]), []).append(annotation)
    categories = {_key(category["id"]): str(category["name"]) for category in content["categories"]}
    crowds = not all(annotation.get("iscrowd", 0) for annotation in content["annotations"])
    for image in content["images"]:
        split = image.get("split") or _split_in_name(file)
        yield _Entry(file, image, grouped.get(_key(image["id"]), []), categories, split, crowds)


def _split_in_name(file: Path) -> str | None:
    """The split that a name such as instances_train2017.json tells."""
    words = (word.rstrip("0123456789") for word in re.split(r"[_\W]+", file.stem.lower()))
    return next((SPLIT_FOLDERS[word] for word in words if word in SPLIT_FOLDERS), None)


def _orphans(name: str, content: dict[str, Any]) -> list[DataError]:
    """Annotations of images that are not listed, and ids used twice."""
    ids = Counter(_key(image["id"]) for image in content["images"])
    classes = Counter(_key(category["id"]) for category in content["categories"])
    lost = [a for a in content["annotations"] if _key(a["image_id"]) not in ids]
    problems = [
        DataError(f"{name}: {kind} id {key} used {count} times", expected="unique ids", remedy=f"renumber the {kinds}")
        for kind, kinds, counts in (("image", "images", ids), ("category", "categories", classes))
        for key, count in counts.items()
        if count > 1
    ]
    if lost:
        problems.append(
            DataError(
                f"{name}: {len(lost)} annotations for images that are not listed, "
                f"image_id {lost[0]['image_id']!r} first",
                expected=f"every image_id among `images`, say {content['images'][0]['id']!r}",
                remedy="add the images or remove the annotations",
            )
        )
    return problems


def _read_image(entry: _Entry, pictures: PictureIndex, options: ImportOptions) -> ImportedImage:
    image = folders.open_picture(pictures.find(str(entry.image["file_name"]), entry.file), pictures.src)
    declared = (entry.image.get("width", image.width), entry.image.get("height", image.height))
    folders.check_size("an annotation", declared, image.width, image.height)
    if not entry.annotations:
        raise DataError("no annotation", expected="at least one", remedy="annotate the image or leave it out")
    instances = [_instance(annotation, entry, image, options) for annotation in entry.annotations]
    return replace(
        image,
        instances=tuple(instance for instance in instances if instance is not None),
        case_id=str(entry.image["case_id"]) if "case_id" in entry.image else None,
        split=_split(entry) or image.split,
    )


def _split(entry: _Entry) -> str | None:
    if entry.split is None:
        return None
    if str(entry.split).lower() not in SPLIT_FOLDERS:
        raise DataError(f"split {entry.split!r}", expected="train, val or test", remedy="correct the split")
    return SPLIT_FOLDERS[str(entry.split).lower()]


def _instance(
    annotation: dict[str, Any], entry: _Entry, image: ImportedImage, options: ImportOptions
) -> ImportedInstance | None:
    place = f"annotation {annotation.get('id', '')}".strip()
    if _key(annotation["category_id"]) not in entry.categories:
        raise DataError(
            f"{place}: category_id {annotation['category_id']!r}",
            expected=f"one of {', '.join(entry.categories)}",
            remedy="add the category or correct the annotation",
        )
    name = entry.categories[_key(annotation["category_id"])]
    try:
        crowd = _is_crowd(annotation, name, entry, options)
        category = name if crowd and name not in options.ignore else class_of(name, options)
        if category is None:
            return None
        if not annotation.get("segmentation"):
            return replace(source.boxed(category, annotation.get("bbox")), iscrowd=crowd)
        outline = _nested(annotation["segmentation"])
        return replace(source.outlined(category, outline, image.height, image.width), iscrowd=crowd)
    except DataError as error:
        raise source.in_place(error, place) from error


def _is_crowd(annotation: dict[str, Any], name: str, entry: _Entry, options: ImportOptions) -> int:
    """1 for a cluster that nobody has parted, 0 for a chromosome.

    CVAT writes `iscrowd` 1 for whatever was drawn with its brush. Where all of a file has it, what is called a
    chromosome is one; where some have it, nobody can tell.

    Raises:
        DataError: The class says chromosome, the mark cluster.
    """
    if not annotation.get("iscrowd", 0):
        return 0
    try:
        chromosome = class_of(name, options) is not None
    except DataError:
        return 1  # a class of its own, such as cluster
    if chromosome and entry.crowds:
        raise DataError(
            f"iscrowd 1 on a {name!r}, as some others here but not all",
            expected="0 for a chromosome, also where CVAT's brush drew it; 1 for a cluster, of another class",
            remedy="set iscrowd to 0, or name its class, say, cluster",
        )
    return 0


def _nested(segmentation: Any) -> Any:
    """Polygons as COCO nests them, where a file has one flat list of numbers, or a list of points."""
    if not isinstance(segmentation, list):
        return segmentation
    if all(isinstance(one, int | float) for one in segmentation):
        return [segmentation]
    if len(segmentation) > 2 and all(isinstance(one, list) and len(one) == 2 for one in segmentation):
        return [[number for point in segmentation for number in point]]
    return segmentation
