"""Instances that a client sends: parsed, bounded, and drawn by the one function that draws masks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chromseg.annotations.rasterize import rasterize
from chromseg.arrays import F32, Bool
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.inference.result import Instance, instance_of
from chromseg.karyogram.classes import ClassName

MOST_INSTANCES = 500
_MOST_POINTS = 50_000  # of all polygons together
_MOST_RINGS = 1000  # of one instance; a chromosome has one, and a hole or two
_MOST_RUNS = 2_000_000  # of one mask; a chromosome has some hundred
_MOST_BOXED = 64_000_000  # pixels in the boxes of all instances together; 46 chromosomes have 1 to 10 million
_OVERHANG = 32.0  # pixels that a drawn outline may leave the picture by

Text = Annotated[str, Field(max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]
Md5 = dict[Text, Text]
Setting = Text | bool | int | float | None
Count = Annotated[int, Field(strict=True, ge=0, le=2**31)]  # of pixels


class _Lenient(BaseModel):
    """Keys that are not known are left out; no value is NaN or infinite, which no answer could repeat as JSON."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=(), allow_inf_nan=False)


class RunLengths(_Lenient):
    """A mask as COCO encodes it, compressed or not."""

    size: tuple[Count, Count]
    counts: Annotated[str, Field(max_length=_MOST_RUNS)] | Annotated[list[Count], Field(max_length=_MOST_RUNS)]


class Drawn(_Lenient):
    """One instance; the server computes id, box and area anew."""

    segmentation: Annotated[list[list[float]], Field(max_length=_MOST_RINGS)] | RunLengths
    score: Share = 1.0
    flags: list[Text] = Field(default_factory=list, max_length=20)
    uncertainty: float | None = None
    probability: Share | None = None
    status: Literal["accepted", "changed", "new"] | None = None
    chromosome: ClassName | None = None  # the class that a person has given it
    upside_down: bool | None = None  # likewise, whether its axis as found begins at the long arm
    came_from: list[int] = Field(default_factory=list, alias="from", max_length=MOST_INSTANCES)


class Options(_Lenient):
    """How the picture was read."""

    polarity: Polarity | None = None
    scale: Annotated[float, Field(gt=0, le=100)] = 1.0


class Maker(_Lenient):
    """Which model made the original; fields as of `ModelIdentity`."""

    name: Text = "unknown"
    version: Text | None = None
    weights_sha256: Text | None = None
    data_md5: Md5 = Field(default_factory=dict, max_length=50)
    commit: Text | None = None
    partition: dict[Text, Setting] = Field(default_factory=dict, max_length=20)
    software_version: Text = ""


class Document(_Lenient):
    """An `instances.json`, or what the page made of one."""

    annotations: Annotated[list[Drawn], Field(max_length=MOST_INSTANCES)]
    options: Options = Options()
    model: Maker = Maker()


def parse_document(text: str, field: str) -> Document:
    """Read a form's field.

    Raises:
        DataError: It is no JSON or no instances.
    """
    try:
        return Document.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _bad(f"field `{field}`: {place}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise _bad(f"field `{field}` that is no JSON") from error


def instances_of(drawn: Sequence[Drawn], absorbance: F32) -> tuple[Instance, ...]:
    """The instances in their picture float32 (H, W), each held within its box.

    Raises:
        DataError: An outline cannot be filled, leaves the picture, or fills nothing; or their boxes are too large.
    """
    height, width = absorbance.shape
    instances, boxed = [], 0
    for one, mask in zip(drawn, each_mask(drawn, height, width), strict=True):
        instance = instance_of(mask, absorbance, one.score, tuple(one.flags), one.uncertainty, one.probability)
        boxed += instance.own.size
        if boxed > _MOST_BOXED:
            raise DataError(
                f"instances whose boxes cover more than {_MOST_BOXED / 1e6:g} megapixels",
                expected="outlines of single chromosomes, whose boxes are small",
                remedy="cut the picture to one metaphase",
            )
        instances.append(instance)
    return tuple(instances)


def each_mask(instances: Sequence[Drawn], height: int, width: int) -> Iterator[Bool]:
    """One mask bool (height, width) after the other, so that no more than one has to be held.

    Raises:
        DataError: An outline cannot be filled, leaves the picture, or fills nothing.
    """
    polygons = [ring for one in instances if isinstance(one.segmentation, list) for ring in one.segmentation]
    if sum(map(len, polygons)) > 2 * _MOST_POINTS:
        raise _bad(f"outlines of more than {_MOST_POINTS} points")
    for ring in polygons:
        xs, ys = ring[::2], ring[1::2]
        if not all(-_OVERHANG <= x <= width + _OVERHANG for x in xs) or not all(
            -_OVERHANG <= y <= height + _OVERHANG for y in ys
        ):
            raise _bad(f"an outline outside the picture of {width}×{height}")
    for number, one in enumerate(instances, start=1):
        mask = _mask_of(one.segmentation, height, width)
        if not mask.any():
            raise _bad(f"instance {number} covers no pixel")
        yield mask


def _mask_of(segmentation: list[list[float]] | RunLengths, height: int, width: int) -> Bool:
    plain = segmentation if isinstance(segmentation, list) else segmentation.model_dump()
    return rasterize(plain, height, width)


def _bad(got: str) -> DataError:
    return DataError(got, expected="COCO instances of this picture", remedy="send what /v1/segment answered, corrected")
