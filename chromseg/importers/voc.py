"""Pascal VOC: one XML file an image, one box a chromosome, as cil24 is published; no masks.

Boxes are kept as they are, also those that reach beyond the image: that is for data validation to say.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.common import EntitiesForbidden
from defusedxml.ElementTree import ParseError, fromstring

from chromseg.errors import DataError
from chromseg.importers import folders, source
from chromseg.importers.classes import class_of
from chromseg.importers.folders import PictureIndex
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, ImportOptions


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read every VOC file below a folder; `ImageSets/Main/{train,val,test}.txt` are its split, if present.

    Args:
        src: Folder with `*.xml` files and their images, in any arrangement.
        options: `classes` and `ignore` concern object names.

    Raises:
        DataError: The folder is missing or holds no XML file.
    """
    src = folders.check_folder(src)
    files = folders.files_below(src, (".xml",))
    if not files:
        raise folders.nothing_found(src, "VOC file (*.xml)")
    pictures, splits = PictureIndex(src), _image_sets(src)
    named = [(folders.relative(path, src), path) for path in files]
    found = source.collect(named, lambda path: _read_file(path, pictures, splits, options))
    return folders.with_unannotated(found, pictures)


def _read_file(path: Path, pictures: PictureIndex, splits: dict[str, str], options: ImportOptions) -> ImportedImage:
    tree = _parse(path)
    image = folders.open_picture(pictures.find(tree.findtext("filename") or path.stem, path), pictures.src)
    _check_size(tree, image)
    objects = tree.findall("object")
    if not objects:
        raise DataError("an empty annotation", expected="at least one box", remedy="annotate the image or leave it out")
    boxes = [_box(index, element, options) for index, element in enumerate(objects)]
    instances = tuple(box for box in boxes if box is not None)
    return replace(image, instances=instances, split=splits.get(folders.composed(path.stem), image.split))


def _parse(path: Path) -> Element:
    """The root of a file that declares no entity: a few bytes of them can stand for gigabytes."""
    content = path.read_bytes()
    try:
        root: Element = fromstring(content)
        return root
    except EntitiesForbidden as error:
        raise DataError(
            f"an XML entity {error.name!r:.40}",
            expected="a VOC file, which declares none",
            remedy="leave the file out",
        ) from error
    except (ParseError, UnicodeDecodeError, ValueError, LookupError) as error:
        reason = f"broken XML ({error})" if content else "an empty file"
        raise DataError(reason, expected="a whole VOC file", remedy="save it anew or leave it out") from error


def _check_size(tree: Element, image: ImportedImage) -> None:
    """The size a VOC file says must be its picture's; 0×0 is how some tools say nothing."""
    try:
        said = tuple(int(tree.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except ValueError as error:
        raise DataError("a size that is no number", expected="whole pixels", remedy="correct `size`") from error
    if said != (0, 0):
        folders.check_size("an annotation", (said[0], said[1]), image.width, image.height)


def _box(index: int, element: Element, options: ImportOptions) -> ImportedInstance | None:
    try:
        category = class_of((element.findtext("name") or "").strip(), options)
        left, top, right, bottom = (element.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
        return None if category is None else source.boxed(category, _xywh(left, top, right, bottom))
    except DataError as error:
        raise source.in_place(error, f"object {index}") from error


def _xywh(left: str | None, top: str | None, right: str | None, bottom: str | None) -> list[float] | None:
    """The box in numbers, or None if a corner is missing or no number."""
    try:
        x0, y0, x1, y1 = float(left or ""), float(top or ""), float(right or ""), float(bottom or "")
    except ValueError:
        return None
    return [x0, y0, x1 - x0, y1 - y0]


def _image_sets(src: Path) -> dict[str, str]:
    """Split by stem from `ImageSets/Main`, empty where a source has none."""
    lists = {split: src / "ImageSets" / "Main" / f"{split}.txt" for split in ("train", "val", "test")}
    return {
        folders.composed(line.split()[0]): split
        for split, path in lists.items()
        if path.is_file()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }
