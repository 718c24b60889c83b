"""A result in each format that a client may ask for, as bytes."""

from __future__ import annotations

import base64
import io
import itertools
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from chromseg.arrays import U8
from chromseg.inference.exports import overlay_of, to_coco
from chromseg.inference.result import Result
from chromseg.inference.sheets import contact_sheet
from chromseg.serving.outlines import crossings_of, outline_of
from chromseg.serving.settings import Format

_EPOCH = (1980, 1, 1, 0, 0, 0)  # of files in archives: equal results are equal bytes


@dataclass(frozen=True)
class Wanted:
    """How a client wants its answer.

    Attributes:
        format: Of the answer.
        include: Of `settings.INCLUDES`; of use for "json" alone.
        options: What the client asked for, kept in the result.
        file_name: Name of the picture, or "" where nobody may learn it.
        pages: How many the file has.
        lineage_id: Of the model; the run that trained it.
    """

    format: Format = "json"
    include: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    file_name: str = ""
    pages: int = 1
    lineage_id: str | None = None


@dataclass(frozen=True)
class Rendered:
    """Bytes with what HTTP has to say about them.

    Attributes:
        body: The bytes.
        media_type: Of them.
        suffix: Of a file name.
        open_ended: A JSON object to which the server adds what only it knows.
    """

    body: bytes
    media_type: str
    suffix: str
    open_ended: bool = False


def render(result: Result, wanted: Wanted) -> Rendered:
    """A result in the format wanted."""
    return _RENDERERS[wanted.format](result, wanted)


def _coco(result: Result, wanted: Wanted) -> dict[str, Any]:
    """What `predict` writes to instances.json."""
    return to_coco(result, file_name=wanted.file_name, options=wanted.options)


def _as_json(result: Result, wanted: Wanted) -> Rendered:
    content = _coco(result, wanted)
    content["images"][0]["pages"] = wanted.pages
    content["model"]["lineage_id"] = wanted.lineage_id
    for annotation, instance in zip(content["annotations"], result.instances, strict=True):
        if "outlines" in wanted.include:
            annotation["outline"] = outline_of(instance.mask, instance.bbox)
        if "crops" in wanted.include:
            annotation["crop"] = data_uri(instance.crop)
    height, width = result.absorbance.shape
    if "picture" in wanted.include:
        content["picture"] = data_uri(_grey(result))
    if "crossings" in wanted.include:
        content["crossings"] = crossings_of(result.instances, (height, width))
    return Rendered(dumps(content), "application/json", ".json", open_ended=True)


def _as_coco(result: Result, wanted: Wanted) -> Rendered:
    return Rendered(dumps(_coco(result, wanted)), "application/json", ".json")


def _as_overlay(result: Result, wanted: Wanted) -> Rendered:
    return Rendered(_png(overlay_of(result)), "image/png", "-overlay.png")


def _as_contact_sheet(result: Result, wanted: Wanted) -> Rendered:
    return Rendered(_png(_sheet(result)), "image/png", "-contact-sheet.png")


def _as_zip(result: Result, wanted: Wanted) -> Rendered:
    files = {
        "instances.json": json.dumps(_coco(result, wanted), indent=2, ensure_ascii=False).encode(),
        "overlay.png": _png(overlay_of(result)),
        "contact_sheet.png": _png(_sheet(result)),
    }
    files |= {f"chromosomes/{n:03d}.png": _png(one.crop) for n, one in enumerate(result.instances, start=1)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            kind = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, kind)
    return Rendered(stream.getvalue(), "application/zip", ".zip")


def _as_ome_tiff(result: Result, wanted: Wanted) -> Rendered:
    """The picture, dark on light, and one plane a chromosome, 255 on it: masks of crossing chromosomes overlap."""
    import tifffile

    masks = (one.mask.astype(np.uint8) * 255 for one in result.instances)  # made as they are written
    names = ["picture", *(f"chromosome {n}" for n in range(1, len(result.instances) + 1))]
    stream = io.BytesIO()
    tifffile.imwrite(
        stream,
        itertools.chain([_grey(result)], masks),
        shape=(len(names), *result.absorbance.shape),
        dtype=np.uint8,
        ome=True,
        photometric="minisblack",
        compression="zlib",
        metadata={"axes": "CYX", "Channel": {"Name": names}},
    )
    return Rendered(stream.getvalue(), "image/tiff", ".ome.tif")


_RENDERERS: dict[Format, Callable[[Result, Wanted], Rendered]] = {
    "json": _as_json,
    "coco": _as_coco,
    "zip": _as_zip,
    "overlay": _as_overlay,
    "ome-tiff": _as_ome_tiff,
    "contact-sheet": _as_contact_sheet,
}


def _grey(result: Result) -> U8:
    """The picture as the model saw it, dark on light: uint8 (H, W)."""
    return np.asarray(np.rint(255 * (1 - result.absorbance)), dtype=np.uint8)


def _sheet(result: Result) -> U8:
    return contact_sheet([instance.crop for instance in result.instances])


def _png(picture: U8) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def data_uri(picture: U8) -> str:
    """A grey or RGB picture uint8 as a PNG in a data URI."""
    return "data:image/png;base64," + base64.b64encode(_png(picture)).decode("ascii")


def dumps(content: dict[str, Any]) -> bytes:
    """JSON in as few bytes as can be."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
