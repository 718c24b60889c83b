"""LabelMe: one JSON file an image, one polygon a chromosome, as the BioImLab set is published.

Shapes that share a label and a `group_id` are parts of one chromosome. The image lies beside the file, anywhere below
the source, or inside the file itself. AutoKary2022 writes the same with underscores (`image_path`) and classes 1 to 24.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from chromseg.annotations.rasterize import Polygons, Rle, encode_rle, rasterize
from chromseg.arrays import Bool
from chromseg.errors import DataError
from chromseg.images.pictures import SUFFIXES, read_grey
from chromseg.importers import folders, source
from chromseg.importers.classes import class_of
from chromseg.importers.folders import PictureIndex
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, ImportOptions


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read every LabelMe file below a folder.

    Args:
        src: Folder with `*.json` files and their images, in any arrangement.
        options: `classes` and `ignore` concern labels.

    Raises:
        DataError: The folder is missing or holds no JSON file.
    """
    src = folders.check_folder(src)
    files = folders.files_below(src, (".json",))
    if not files:
        raise folders.nothing_found(src, "LabelMe file (*.json)")
    pictures = PictureIndex(src)
    named = [(folders.relative(path, src), path) for path in files]
    found = source.collect(named, lambda path: _read_file(path, pictures, options))
    return folders.with_unannotated(found, pictures)


def _read_file(path: Path, pictures: PictureIndex, options: ImportOptions) -> ImportedImage:
    content = _camel_cased(folders.read_json(path))
    shapes = content.get("shapes")
    if not isinstance(shapes, list) or not isinstance(content.get("imagePath"), str):
        raise DataError(
            "no `shapes` or no `imagePath`", expected="a LabelMe file", remedy="correct the file or the format"
        )
    if not shapes:
        raise DataError(
            "an empty annotation", expected="at least one outline", remedy="annotate the image or leave it out"
        )
    image = _picture(content, path, pictures)
    declared = (content.get("imageWidth", image.width), content.get("imageHeight", image.height))
    folders.check_size("an annotation", declared, image.width, image.height)
    return replace(image, instances=_instances(shapes, image.height, image.width, options))


def _camel_cased(content: dict[str, Any]) -> dict[str, Any]:
    """The content with `image_path`, `image_width` and so on called `imagePath`, `imageWidth`."""
    others = {re.sub(r"_([a-z])", lambda part: part[1].upper(), key): value for key, value in content.items()}
    return {**others, **content}


def _picture(content: dict[str, Any], path: Path, pictures: PictureIndex) -> ImportedImage:
    """The image on disk; where there is none, the one that LabelMe keeps inside its file."""
    try:
        return folders.open_picture(pictures.find(content["imagePath"], path), pictures.src)
    except folders.MissingPictureError:
        if not content.get("imageData"):
            raise
    try:
        encoded = base64.b64decode(content["imageData"], validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise DataError("`imageData` not in base64", expected="an image", remedy="save it anew in LabelMe") from error
    height, width = read_grey(encoded, "imageData").shape
    suffix = PurePosixPath(content["imagePath"].replace("\\", "/")).suffix
    name = folders.stored_name(path.with_suffix(suffix if suffix.lower() in SUFFIXES else ".png"), pictures.src)
    return ImportedImage(name, encoded, width, height, split=folders.split_of(path, pictures.src))


def _instances(shapes: list[Any], height: int, width: int, options: ImportOptions) -> tuple[ImportedInstance, ...]:
    """One instance for each shape, or for all shapes of one label and group."""
    drawn: dict[tuple[str, object], Polygons | Rle] = {}
    found: dict[tuple[str, object], ImportedInstance] = {}
    for index, shape in enumerate(shapes):
        try:
            category = class_of(str(shape["label"]), options)
            if category is None:
                continue
            group = shape.get("group_id")
            key = (category, f"alone {index}" if group is None else group)
            drawn[key] = _joined(drawn.get(key, []), _outline(shape, height, width), height, width)
            found[key] = source.outlined(category, drawn[key], height, width)
        except DataError as error:
            raise source.in_place(error, f"shape {index}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"shape {index} without a label or points",
                expected="a LabelMe polygon",
                remedy="redraw or delete this outline",
            ) from error
    return tuple(found.values())


def _joined(before: Polygons | Rle, part: Polygons | Rle, height: int, width: int) -> Polygons | Rle:
    """The union of two parts of a chromosome: polygons stay polygons, with a mask they become one."""
    if isinstance(before, list) and isinstance(part, list):
        return before + part
    return encode_rle(rasterize(before, height, width) | rasterize(part, height, width))


def _outline(shape: dict[str, Any], height: int, width: int) -> Polygons | Rle:
    """A polygon, a rectangle as one, or a mask."""
    kind = shape.get("shape_type", "polygon")
    points = [(float(x), float(y)) for x, y in shape["points"]]
    if kind == "mask":
        return encode_rle(_mask(shape.get("mask"), points, height, width))
    if kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    elif kind != "polygon":
        raise DataError(
            f"a shape of type {kind!r}",
            expected="a polygon, a rectangle or a mask",
            remedy="redraw it as a polygon",
        )
    return [[coordinate for point in points for coordinate in point]]


def _mask(encoded: Any, points: list[tuple[float, float]], height: int, width: int) -> Bool:
    """What LabelMe's AI tools draw: a picture in base64, laid with its corner on the first point; bool (H, W)."""
    try:
        crop = read_grey(base64.b64decode(encoded, validate=True), "its mask") > 0
    except (binascii.Error, TypeError, ValueError) as error:
        raise DataError("a mask not in base64", expected="a picture", remedy="save it anew in LabelMe") from error
    left, top = (round(coordinate) for coordinate in points[0])
    right, bottom = (round(coordinate) for coordinate in points[-1])
    if crop.shape != (bottom - top + 1, right - left + 1):
        raise DataError(
            f"a mask of {crop.shape[1]}×{crop.shape[0]} pixels from ({left}, {top}) to ({right}, {bottom})",
            expected=f"{right - left + 1}×{bottom - top + 1}",
            remedy="redraw or delete this mask",
        )
    mask = np.zeros((height, width), dtype=bool)
    rows, cols = slice(max(top, 0), min(bottom + 1, height)), slice(max(left, 0), min(right + 1, width))
    if rows.start < rows.stop and cols.start < cols.stop:
        mask[rows, cols] = crop[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
    return mask
