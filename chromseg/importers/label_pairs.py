"""Pictures and their label pictures: which belong together, and what values a label picture holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence
from scipy import ndimage

from chromseg.annotations.maps import label_regions
from chromseg.arrays import I64
from chromseg.errors import ChromsegError, DataError, MaskError
from chromseg.images.pictures import SUFFIXES, read_picture
from chromseg.importers import folders, source
from chromseg.importers.source import ImportedImage, ImportedSet

LABEL_FOLDERS = ("label", "labels", "mask", "masks", "groundtruth", "gt", "instances")
LABEL_SUFFIXES = (
    "_cp_masks",  # cellpose
    *("_label", "_labels", "_mask", "_masks", "_gt", "_instances", "_ids"),
)
_SPECK = 10  # px; a piece of a label up to this area is no part of a chromosome
_SPECKS = 5  # such pieces a label; drawn labels have one in ten, blended ones two hundred
Labels: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class LabelPicture:
    """A label picture as its file has it.

    Attributes:
        planes: (P, H, W), one for each page; of a palette picture its indices.
        bits: Of a value: 8 or more.
        painted: Whether values are colours, 65536 R + 256 G + B.
    """

    planes: Labels
    bits: int
    painted: bool


def read_pairs(src: Path, read: Callable[[Path, Path], ImportedImage], key: Callable[[str], str] = str) -> ImportedSet:
    """Read all pairs below a folder; what has no partner is a problem.

    Args:
        src: Folder in which `images/7.png` goes with `labels/7.png` (or `masks/`), or `7.png` with `7_label.png`.
        read: Turns the paths of a picture and its label picture into an image.
        key: Makes the names equal that a pair has, where a format names them otherwise.
    """
    pictures = folders.files_below(src, SUFFIXES)
    labels = {key(_shared_name(path, src)): path for path in pictures if _is_label(path)}
    images = {key(_shared_name(path, src)): path for path in pictures if not _is_label(path)}
    if not labels:
        return ImportedSet((), tuple(_alone(path, src) for path in pictures))
    pairs = [(folders.relative(path, src), (path, labels[name])) for name, path in images.items() if name in labels]
    lone = [path for name, path in [*images.items(), *labels.items()] if (name in images) != (name in labels)]
    found = source.collect(pairs, lambda pair: read(*pair))
    return ImportedSet(found.images, (*(_alone(path, src) for path in lone), *found.problems), found.failed)


def with_instances(path: Path, label_path: Path, src: Path, find: Callable[[LabelPicture], Any]) -> ImportedImage:
    """The picture with what its label picture, of the same size, holds."""
    image = folders.open_picture(path, src)
    name = folders.relative(label_path, src)
    labels = read_labels(label_path, name)
    folders.check_size("a label map", labels.planes.shape[:0:-1], image.width, image.height)
    try:
        return replace(image, instances=find(labels))
    except DataError as error:
        raise source.in_place(error, name) from error


def read_labels(path: Path, name: str) -> LabelPicture:
    """Read a label picture; palettes stay indices.

    Raises:
        MaskError: It is a JPEG, whose compression blends labels.
        DataError: It is no whole picture.
    """
    try:
        read_picture(path)  # refuses what is no whole picture, or too large a one
    except ChromsegError as error:
        raise DataError(error.got, expected=error.expected, remedy="replace the file or leave it out") from error
    with Image.open(path) as picture:
        if picture.format == "JPEG":
            raise MaskError(
                f"{name}, a label map saved as JPEG",
                expected="a PNG or TIFF: JPEG blends neighbouring labels",
                remedy="export the labels anew, without loss",
            )
        pages = [_values(page) for page in ImageSequence.Iterator(picture)]
    painted = any(is_painted for _, is_painted in pages)
    planes = np.stack([values for values, _ in pages])
    return LabelPicture(planes, 8 if planes.dtype in (np.uint8, np.bool_) else 16, painted)


def pieces_of(labels: Labels) -> list[I64]:
    """The areas of the 8-connected pieces of each label above 0 of (H, W), largest first."""
    values = np.unique(labels)
    ranks = np.searchsorted(values, labels) + 1
    boxes = ndimage.find_objects(ranks)
    inside = [ranks[box] == rank for rank, box in enumerate(boxes, start=1) if values[rank - 1]]
    return [np.sort(np.bincount(label_regions(mask)[0].ravel())[1:])[::-1] for mask in inside]


def check_unblended(labels: Labels) -> None:
    """Refuse labels (H, W) that were blended at borders: every blend is a label of its own in tiny pieces.

    Raises:
        MaskError: There are more than five tiny pieces a label, or half of the labels have no other.
    """
    pieces = pieces_of(labels)
    specks = sum(int((areas <= _SPECK).sum()) for areas in pieces)
    in_specks_alone = sum(areas[0] <= _SPECK for areas in pieces)
    if specks > _SPECKS * len(pieces) or 2 * in_specks_alone > len(pieces):
        raise MaskError(
            f"{len(pieces)} labels with {specks} pieces of {_SPECK} px or less",
            expected="whole chromosomes: resizing and lossy compression blend labels at their borders",
            remedy="export the labels anew at the picture's size (resize labels by nearest neighbour alone)",
        )


def _values(page: Image.Image) -> tuple[Labels, bool]:
    """Values (H, W) of one page, and whether they are colours; three equal channels are a grey label map."""
    if page.mode == "P":
        return np.asarray(page), False
    values = np.asarray(page.convert("RGB") if page.mode in ("RGBA", "CMYK", "PA", "LA") else page)
    if values.ndim == 2:
        return _whole(values), False
    if (values == values[..., :1]).all():
        return values[..., 0], False
    red, green, blue = np.moveaxis(values.astype(np.int32), 2, 0)
    return 65536 * red + 256 * green + blue, True


def _whole(values: Labels) -> Labels:
    if np.issubdtype(values.dtype, np.floating):
        if not (values == np.floor(values)).all():
            raise MaskError("labels with fractions", expected="whole numbers", remedy="export the labels anew")
        return values.astype(np.int64)
    return values


def _is_label(path: Path) -> bool:
    return path.parent.name.lower() in LABEL_FOLDERS or path.stem.lower().endswith(LABEL_SUFFIXES)


def _shared_name(path: Path, src: Path) -> str:
    """What a picture and its labels share: the path without the folder that says which it is, without suffixes."""
    *parents, name = folders.relative(path, src).split("/")
    stem = name[: len(name) - len(path.suffix)]
    stem = next((stem[: -len(end)] for end in LABEL_SUFFIXES if stem.lower().endswith(end)), stem)
    ignored = (*LABEL_FOLDERS, *folders.IMAGE_FOLDERS)
    return "/".join([*(parent for parent in parents if parent.lower() not in ignored), stem])


def _alone(path: Path, src: Path) -> DataError:
    wanted = "an image" if _is_label(path) else "a label map"
    return DataError(
        f"{folders.relative(path, src)} without {wanted}",
        expected="pairs of one name",
        remedy="add it or move this away",
    )
