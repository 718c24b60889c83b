"""Corrected results, kept where the operator said so, in the form that `data import coco` reads.

    DIR/corrected/<id>.json + <id>.png      the present correction of each picture: import this folder
    DIR/original/<id>-<time>.json           what the model had said, of every correction ever sent
    DIR/history/<id>-<time>.json            what was right instead

The picture is saved as pixels without the file's metadata, under the first 16 digits of its file's SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from PIL import Image

import chromseg
from chromseg.annotations.rasterize import encode_rle
from chromseg.boxes import box_of
from chromseg.errors import DataError, OutputError
from chromseg.files import replacing, write_json
from chromseg.images.pictures import Page, read_picture
from chromseg.serving.documents import Document, Drawn, each_mask
from chromseg.serving.problems import ProblemError

_CATEGORY = {"id": 1, "name": "chromosome"}


@dataclass(frozen=True)
class Correction:
    """What a reviewer sent.

    Attributes:
        image: Bytes of the image file.
        original: What the model had said.
        corrected: What is right.
        reviewer: Who says so.
        key: Whose API key it came with; None where none is asked for.
        case: The case (patient, cell line) that the picture belongs to, or "".
        note: Anything else.
        stain: How the picture was stained, or "".
        page: Of the file, from 0.
    """

    image: bytes
    original: Document
    corrected: Document
    reviewer: str
    key: str | None = None
    case: str = ""
    note: str = ""
    stain: str = ""
    page: int = 0


@dataclass(frozen=True)
class Basis:
    """What a reviewer had before them.

    Attributes:
        etag: Of the correction that they began with; None asks nothing.
        none: There was none.
    """

    etag: str | None = None
    none: bool = False


@dataclass(frozen=True)
class Kept:
    """The present correction of a picture: its COCO content, and what it is known by."""

    content: dict[str, Any]
    etag: str


@dataclass(frozen=True)
class Saved:
    """What became of it."""

    id: str
    time: str
    n_original: int
    n_corrected: int
    changed: bool
    etag: str


def kept_correction(root: Path, key: str) -> Kept | None:
    """The present correction of the picture that is kept under `key`; None where there is none."""
    try:
        text = (root / "corrected" / f"{key}.json").read_bytes()
    except FileNotFoundError:
        return None
    return Kept(json.loads(text), f'"{hashlib.sha256(text).hexdigest()[:32]}"')


def save_correction(root: Path, correction: Correction, max_pixels: int, basis: Basis | None = None) -> Saved:
    """Check a correction and write it, unless somebody else has saved one since `basis`.

    Raises:
        ProblemError: Somebody has.
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
        "key": correction.key,
        "time": time,
        "note": correction.note,
        "image_sha256": picture.sha256,
        "page": correction.page,
        "polarity": correction.original.options.polarity,
        "stain": correction.stain or None,
        "changed": changed,
        "model": correction.original.model.model_dump(),
        "software_version": chromseg.__version__,
    }
    image = {"id": 1, "file_name": f"{key}{_suffix(page)}", "height": height, "width": width}
    image |= {"polarity": info["polarity"]} if info["polarity"] else {}
    image |= {"stain": correction.stain} if correction.stain else {}
    image |= {"case_id": correction.case} if correction.case else {}
    original, corrected = _coco(image, before, info), _coco(image, after, info)
    sent = f"{key}-{now.strftime('%Y%m%dT%H%M%S%f')}.json"
    with _alone(root):
        _check_basis(kept_correction(root, key), basis or Basis())
        write_json(root / "history" / sent, corrected)
        write_json(root / "original" / sent, original)
        _write_pixels(root / "corrected" / f"{key}{_suffix(page)}", page)
        write_json(root / "corrected" / f"{key}.json", corrected)
        kept = kept_correction(root, key)
    assert kept is not None
    return Saved(key, time, len(before), len(after), changed, kept.etag)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """While no other process of the server writes here."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock").acquire()
    except OSError as error:
        raise OutputError(
            f"cannot write {root} ({error.strerror})", expected="a folder for corrections", remedy="check --corrections"
        ) from error
    with lock:  # which is given back at its end
        yield


def _check_basis(kept: Kept | None, basis: Basis) -> None:
    if kept is None or (basis.etag is None and not basis.none) or basis.etag == kept.etag:
        return
    info = kept.content["info"]
    raise ProblemError(
        "conflict",
        f"a correction of a picture that {info['reviewer']} corrected at {info['time']}",
        expected="one that goes on from there",
        remedy="look at theirs first, or save over it",
        headers={"ETag": kept.etag},
    )


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
            **({} if one.chromosome is None else {"chromosome": one.chromosome}),
            **({} if one.upside_down is None else {"upside_down": one.upside_down}),
        }
        for number, (one, mask) in enumerate(zip(instances, each_mask(instances, height, width), strict=True), start=1)
        for x0, y0, x1, y1 in [box_of(mask)]
    ]


def _coco(image: dict[str, Any], annotations: list[dict[str, Any]], info: dict[str, Any]) -> dict[str, Any]:
    return {"info": info, "images": [image], "annotations": annotations, "categories": [_CATEGORY]}


def _equal(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Whether both are the same masks of the same classes, the same way up, in any order."""
    return sorted(map(_fingerprint, before)) == sorted(map(_fingerprint, after))


def _fingerprint(annotation: dict[str, Any]) -> str:
    return json.dumps([annotation["segmentation"], annotation.get("chromosome"), annotation.get("upside_down")])


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
