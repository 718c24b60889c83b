"""The entries of a dataset's files, and how plain values become them: every field there and of its kind."""

from __future__ import annotations

import math
import typing
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, TypeVar

from chromseg.annotations.rasterize import Polygons, Rle
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity

STAINS = ("g-band", "q-band", "r-band", "dapi", "synthetic")
POLARITIES = ("dark-on-light", "light-on-dark")
QUALITIES = ("traced", "derived", "box")
LAID_FROM = "laid_from"  # option on the card of a set that was laid or outlined of another's pictures: that other set
T = TypeVar("T")


@dataclass(frozen=True)
class DatasetCard:
    """What `dataset.yaml` says: where the images come from and under which terms."""

    name: str
    stain: str  # one of STAINS
    polarity: Polarity
    source: str
    licence: str
    citation: str
    importer: str
    importer_version: str
    options: dict[str, Any] = field(default_factory=dict)  # how the importer was to read its source

    @property
    def cases_of(self) -> str:
        """The dataset whose cases its own are: its own name, or that of the set whose pictures it was made of."""
        return str(self.options.get(LAID_FROM) or self.name)

    def __post_init__(self) -> None:
        _check_choice("stain", self.stain, STAINS)
        _check_choice("polarity", self.polarity, POLARITIES)


@dataclass(frozen=True)
class ImageRecord:
    """One entry of COCO's `images`, with the case it belongs to."""

    id: int
    file_name: str  # below images/
    width: int
    height: int
    case_id: str
    split: str  # train, val or test
    group: str = ""  # of cases that hold the same metaphase; empty where a case stands for itself
    ignore: Rle = field(default_factory=dict)  # pixels of which nothing is known; empty for none

    @property
    def case(self) -> str:
        """What must lie in one split: its group, or its case if that is in none."""
        return self.group or self.case_id


@dataclass(frozen=True)
class InstanceRecord:
    """One chromosome, or a crowd: a cluster that nobody has parted, or a chromosome whose outline is not known.

    `segmentation` is polygons or a compressed RLE; empty in box-only sets. Its `quality` says how it came about: traced
    by a person, derived by a program, or a box alone.
    """

    id: int
    image_id: int
    category_id: int
    segmentation: Polygons | Rle
    bbox: tuple[float, float, float, float]  # xywh
    area: float
    iscrowd: int = 0
    quality: str = "traced"  # one of QUALITIES
    cut_by: str = ""  # SHA-256 of the weights of the model that cut it out of its cluster; empty where none did

    def __post_init__(self) -> None:
        _check_choice("quality", self.quality, QUALITIES, f"annotation {self.id}")

    @property
    def is_outlined(self) -> bool:
        """Whether it is one chromosome that is known by more than a box."""
        return not self.iscrowd and self.quality != "box"


def card_from(values: Any, where: str) -> DatasetCard:
    """The card that plain values make; `where` names the file in errors."""
    return _record(DatasetCard, values, where)


def image_from(entry: Any, where: str) -> ImageRecord:
    """An image record from one entry of `images`."""
    return _record(ImageRecord, entry, where)


def instance_from(entry: Any, where: str) -> InstanceRecord:
    """An instance record from one entry of `annotations`; no `segmentation` is an empty one."""
    if isinstance(entry, dict):
        entry = {"segmentation": [], **entry}
        if _is_box(entry.get("bbox")):
            entry["bbox"] = tuple(entry["bbox"])
    return _record(InstanceRecord, entry, where)


def _record(kind: type[T], entry: Any, where: str) -> T:
    """Build a record, checking that every field is there and of its kind; further fields are left out."""
    if not isinstance(entry, dict):
        raise _bad(f"{where}: a {kind.__name__} that is {type(entry).__name__}", "named fields")
    hints, required = _fields(typing.cast(Any, kind))
    missing = required - entry.keys()
    label = f"{where}: {kind.__name__} {entry.get('id', '')}".rstrip()
    if missing:
        raise _bad(f"{label} without {', '.join(sorted(missing))}", "all fields of the data contract")
    for name in hints.keys() & entry.keys():
        if not _fits(entry[name], hints[name]):
            raise _bad(
                f"{label} whose {name} is {entry[name]!r:.60}", _KINDS.get(hints[name], "a value of the contract")
            )
    return kind(**{name: value for name, value in entry.items() if name in hints})


@cache
def _fields(kind: type) -> tuple[dict[str, Any], set[str]]:
    """Type of each field, and which fields have no default."""
    return typing.get_type_hints(kind), {
        one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING
    }


_KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple[float, float, float, float]: "four numbers, x y width height",
}


def _fits(value: Any, hint: Any) -> bool:
    if hint is int:
        return type(value) is int
    if hint is float:
        return _is_number(value)
    if hint == tuple[float, float, float, float]:
        return isinstance(value, tuple) and _is_box(value)
    if hint is str or typing.get_origin(hint) is typing.Literal:
        return isinstance(value, str)
    if typing.get_origin(hint) is dict:
        return isinstance(value, dict)
    return isinstance(value, list | dict)  # segmentation


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_box(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 4 and all(map(_is_number, value))


def _bad(got: str, expected: str) -> DataError:
    return DataError(got, expected=expected, remedy="correct the file or import the set again")


def _check_choice(field: str, value: str, choices: tuple[str, ...], where: str = "dataset.yaml") -> None:
    if value not in choices:
        remedy = "correct the card" if where == "dataset.yaml" else "correct annotations.json"
        raise DataError(f"{field} {value!r} in {where}", expected=f"one of {', '.join(choices)}", remedy=remedy)
