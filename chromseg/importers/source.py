"""What every importer reads its format into, and how it keeps count of what it could not read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from chromseg.annotations.rasterize import Polygons, Rle, encode_rle, rasterize
from chromseg.arrays import Bool
from chromseg.boxes import box_of
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.images.pictures import read_grey

T = TypeVar("T")
Pixels: TypeAlias = npt.NDArray[Any]
Second: TypeAlias = Literal["chromosome", "non-overlap"]


@dataclass(frozen=True)
class ImportOptions:
    """How to read a source; each importer uses what concerns it.

    Attributes:
        polarity: As declared by the user, or None to estimate it from the pixels.
        classes: Names that mean a chromosome besides the usual ones.
        ignore: Names whose annotations are left out, say nuclei.
        second: What the second map of paired masks holds, or None to see it from the pixels.
    """

    polarity: Polarity | None = None
    classes: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    second: Second | None = None


@dataclass(frozen=True)
class ImportedInstance:
    """One chromosome as the source has it; `bbox` is xywh, `area` in pixels. A crowd is a cluster not parted."""

    category: str
    segmentation: Polygons | Rle
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: int = 0


@dataclass(frozen=True)
class ImportedImage:
    """One image as the source has it.

    Attributes:
        name: Path below the dataset's images/, unique.
        pixels: The file to copy as it is, the bytes of one, or an array to save as PNG.
        width: Columns.
        height: Rows.
        instances: Its chromosomes; empty where the source has maps.
        maps: (crossing, chromosome) bool (H, W) each, where the source has maps and no instances.
        case_id: As the source says it, or None.
        split: As the source says it, or None.
    """

    name: str
    pixels: Path | bytes | Pixels
    width: int
    height: int
    instances: tuple[ImportedInstance, ...] = ()
    maps: tuple[Bool, Bool] | None = None
    case_id: str | None = None
    split: str | None = None

    @property
    def stem(self) -> str:
        """Its name without suffix: maps and results go by it."""
        return str(PurePosixPath(self.name).with_suffix(""))

    def grey(self) -> Pixels:
        """The pixels as (H, W)."""
        return self.pixels if isinstance(self.pixels, np.ndarray) else read_grey(self.pixels, self.name)


@dataclass(frozen=True)
class ImportedSet:
    """A whole source: what could be read, and one problem for each thing that could not."""

    images: tuple[ImportedImage, ...]
    problems: tuple[DataError, ...] = ()
    failed: tuple[str, ...] = ()  # names of the files that problems are about, as far as known


def collect(items: Iterable[tuple[str, T]], read_one: Callable[[T], ImportedImage]) -> ImportedSet:
    """Read every item, keeping each failure as a problem that names its file."""
    images: list[ImportedImage] = []
    problems: dict[str, DataError] = {}
    for name, item in items:
        try:
            images.append(read_one(item))
        except DataError as error:
            problems[name] = in_place(error, name)
    return ImportedSet(tuple(images), tuple(problems.values()), tuple(problems))


def in_place(error: DataError, place: str) -> DataError:
    """The same error, saying first where it was met."""
    got = error.got if place in error.got else f"{place}: {error.got}"
    return type(error)(got, expected=error.expected, remedy=error.remedy)


def outlined(category: str, segmentation: Polygons | Rle, height: int, width: int) -> ImportedInstance:
    """An instance whose box and area are those of its rasterised mask.

    Raises:
        DataError: The outline is no outline, or covers no pixel of the image.
    """
    mask = rasterize(segmentation, height, width)
    kept = encode_rle(mask) if isinstance(segmentation, dict) else segmentation
    return ImportedInstance(category, kept, *box_and_area(mask))


def boxed(category: str, box: Any) -> ImportedInstance:
    """An instance of which only the xywh box is known; it may reach beyond the image.

    Raises:
        DataError: It is no box, or has no extent.
    """
    try:
        left, top, width, height = (float(number) for number in box)
    except (TypeError, ValueError) as error:
        raise DataError(f"a box {box!r}", expected="four numbers", remedy="redraw or delete this box") from error
    if not all(map(math.isfinite, (left, top, width, height))) or width <= 0 or height <= 0:
        raise DataError(
            f"a box of {width:g}×{height:g} pixels at ({left:g}, {top:g})",
            expected="a positive width and height",
            remedy="redraw or delete this box",
        )
    return ImportedInstance(category, [], (left, top, width, height), width * height)


def masked(category: str, mask: Bool, iscrowd: int = 0) -> ImportedInstance:
    """An instance from its mask bool (H, W), kept as run lengths.

    Raises:
        DataError: The mask is empty.
    """
    return ImportedInstance(category, encode_rle(mask), *box_and_area(mask), iscrowd)


def box_and_area(mask: Bool) -> tuple[tuple[float, float, float, float], float]:
    """The xywh box of a mask and its pixel count."""
    left, top, right, bottom = box_of(mask)
    if not right:
        raise DataError(
            "an outline that covers no pixel of the image",
            expected="a chromosome inside the image",
            remedy="redraw or delete this outline",
        )
    return (float(left), float(top), float(right - left), float(bottom - top)), float(mask.sum())


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts image_9 before image_10."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name)]
