"""Corrected results, kept where the operator said so, in the form that `data import coco` reads.

    DIR/corrected/<id>.json + <id>.png      the present correction of each picture: import this folder
    DIR/original/<id>-<time>.json           what the model had said, of every correction ever sent
    DIR/history/<id>-<time>.json            what was right instead

The picture is saved as pixels without the file's metadata, under the first 16 digits of its file's SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import chromseg
from chromseg.annotations.rasterize import encode_rle
from chromseg.boxes import box_of
from chromseg.errors import DataError
from chromseg.files import replacing, write_json
from chromseg.images.pictures import Page, read_picture
from chromseg.serving.documents import Document, Drawn, each_mask

_CATEGORY = {"id": 1, "name": "chromosome"}


@dataclass(frozen=True)
class Correction:
    """What a reviewer sent.

    Attributes:
        image: Bytes of the image file.
        original: What the model had said.
        corrected: What is right.
        reviewer: Who says so.
        case: The case (patient, cell line) that the picture belongs to, or "".
        note: Anything else.
        page: Of the file, from 0.
    """

    image: bytes
    original: Document
    corrected: Document
    reviewer: str
    case: str = ""
    note: str = ""
    page: int = 0


@dataclass(frozen=True)
class Saved:
    """What became of it."""

    id: str
    time: str
    n_original: int
    n_corrected: int
    changed: bool


def save_correction(root: Path, correction: Correction, max_pixels: int) -> Saved:
    """Check a correction and write it.

    Raises:
        InputRefusedError: The image cannot be read.
        DataError: An instance cannot be drawn, or none is left.
        OutputError: The folder cannot be written.
    """
    picture = read_picture(correction.image, max_pixels=max_pixels, max_total=max_pixels)
    page = picture.page(correction.page)
    height, width = page.grey.shape
    before = _annotations(correction.original.annotations, height, width)
    after = _annotations(correction.corrected.annotations, height, width)
    if not after:
        raise DataError(
            "a correction that leaves no chromosome",
            expected="at least one",
            remedy="leave a picture without chromosomes out of the data",
        )
    now, changed = datetime.now(UTC), not _equal(before, after)
    time = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    key = picture.sha256[:16] + (f"-page-{correction.page + 1:03d}" if len(picture.pages) > 1 else "")
    info = {
        "reviewer": correction.reviewer,
        "time": time,
        "note": correction.note,
        "image_sha256": picture.sha256,
        "page": correction.page,
        "changed": changed,
        "model": correction.original.model.model_dump(),
        "software_version": chromseg.__version__,
    }
    image = {"id": 1, "file_name": f"{key}{_suffix(page)}", "height": height, "width": width}
    if correction.case:
        image["case_id"] = correction.case
    original, corrected = _coco(image, before, info), _coco(image, after, info)
    sent = f"{key}-{now.strftime('%Y%m%dT%H%M%S%f')}.json"
    write_json(root / "history" / sent, corrected)
    write_json(root / "original" / sent, original)
    _write_pixels(root / "corrected" / f"{key}{_suffix(page)}", page)
    write_json(root / "corrected" / f"{key}.json", corrected)
    return Saved(key, time, len(before), len(after), changed)


def _annotations(instances: Sequence[Drawn], height: int, width: int) -> list[dict[str, Any]]:
    """COCO annotations; masks are drawn and encoded one by one."""
    return [
        {
            "id": number,
            "image_id": 1,
            "category_id": 1,
            "segmentation": encode_rle(mask),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": int(mask.sum()),
            "iscrowd": 0,
            "score": one.score,
            "flags": one.flags,
            "status": one.status,
            "from": one.came_from,
        }
        for number, (one, mask) in enumerate(zip(instances, each_mask(instances, height, width), strict=True), start=1)
        for x0, y0, x1, y1 in [box_of(mask)]
    ]


def _coco(image: dict[str, Any], annotations: list[dict[str, Any]], info: dict[str, Any]) -> dict[str, Any]:
    return {"info": info, "images": [image], "annotations": annotations, "categories": [_CATEGORY]}


def _equal(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Whether both are the same masks, in any order."""
    return sorted(map(_fingerprint, before)) == sorted(map(_fingerprint, after))


def _fingerprint(annotation: dict[str, Any]) -> str:
    return json.dumps(annotation["segmentation"])


def _suffix(page: Page) -> str:
    return ".tif" if page.grey.dtype.kind == "f" else ".png"


def _write_pixels(path: Path, page: Page) -> None:
    """The page as it was decoded: colour of 8 bits if it has any, else grey with all its bits."""
    pixels: npt.NDArray[Any] = page.rgb if page.rgb is not None and page.grey.dtype == np.uint8 else page.grey
    with replacing(path) as temporary:
        if pixels.dtype.kind == "f":
            import tifffile

            tifffile.imwrite(temporary, page.grey)
        else:
            Image.fromarray(np.ascontiguousarray(pixels)).save(temporary)
