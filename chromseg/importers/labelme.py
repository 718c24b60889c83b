"""LabelMe: one JSON file an image, one polygon a chromosome, as the BioImLab set is published.

Shapes that share a label and a `group_id` are parts of one chromosome. The image lies beside the file, anywhere below
the source, or inside the file itself.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from chromseg.annotations.pictures import SUFFIXES, read_grey
from chromseg.annotations.rasterize import Polygons
from chromseg.errors import DataError
from chromseg.importers import folders, source
from chromseg.importers.classes import class_of
from chromseg.importers.folders import PictureIndex
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, Options


def read(src: Path, options: Options) -> ImportedSet:
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


def _read_file(path: Path, pictures: PictureIndex, options: Options) -> ImportedImage:
    content = folders.read_json(path)
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


def _instances(shapes: list[Any], height: int, width: int, options: Options) -> tuple[ImportedInstance, ...]:
    """One instance for each shape, or for all shapes of one label and group."""
    outlines: dict[tuple[str, object], Polygons] = {}
    found: dict[tuple[str, object], ImportedInstance] = {}
    for index, shape in enumerate(shapes):
        try:
            category = class_of(str(shape["label"]), options)
            if category is None:
                continue
            group = shape.get("group_id")
            key = (category, f"alone {index}" if group is None else group)
            outlines.setdefault(key, []).append(_polygon(shape))
            found[key] = source.outlined(category, outlines[key], height, width)
        except DataError as error:
            raise source.in_place(error, f"shape {index}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"shape {index} without a label or points",
                expected="a LabelMe polygon",
                remedy="redraw or delete this outline",
            ) from error
    return tuple(found.values())


def _polygon(shape: dict[str, Any]) -> list[float]:
    """`[x0, y0, x1, y1, …]` of a polygon or a rectangle."""
    kind = shape.get("shape_type", "polygon")
    points = [(float(x), float(y)) for x, y in shape["points"]]
    if kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    elif kind != "polygon":
        raise DataError(
            f"a shape of type {kind!r}", expected="a polygon or a rectangle", remedy="redraw it as a polygon"
        )
    return [coordinate for point in points for coordinate in point]
