"""A result as files: `instances.json` (COCO), `overlay.png`, one picture a chromosome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from chromseg.annotations.rasterize import encode_rle
from chromseg.arrays import U8
from chromseg.files import replacing, write_json
from chromseg.inference.overlay import draw_overlay
from chromseg.inference.result import Masks, Piece, Result

INSTANCES_FILE = "instances.json"


def to_coco(result: Result, *, file_name: str = "", options: dict[str, Any] | None = None) -> dict[str, Any]:
    """A result as COCO with the blocks `model` and `validation`, ready for JSON.

    Args:
        result: What `Predictor.predict` returned.
        file_name: Name of the picture; empty where it is to stay unknown.
        options: The options of the call; a resumed job compares them.
    """
    height, width = result.absorbance.shape
    return {
        "images": [{"id": 1, "file_name": file_name, "height": height, "width": width, "page": result.page}],
        "annotations": [
            {
                "id": index,
                "image_id": 1,
                "category_id": 1,
                "segmentation": encode_rle(instance.mask),
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": int(instance.own.sum()),
                "iscrowd": 0,
                "score": round(instance.score, 4),
                "flags": list(instance.flags),
                "uncertainty": instance.uncertainty,
                "probability": None if instance.probability is None else round(instance.probability, 4),
            }
            for index, instance in enumerate(result.instances, start=1)
            for x0, y0, x1, y1 in [instance.bbox]
        ],
        "categories": [{"id": 1, "name": "chromosome"}],
        "unclaimed": None if result.unclaimed is None else [_piece(piece) for piece in result.unclaimed],
        "model": {**asdict(result.model), "image_sha256": result.image_sha256},
        "validation": result.validation,
        "options": {"polarity": result.polarity, "scale": round(result.scale, 4), **(options or {})},
    }


def _piece(piece: Piece) -> dict[str, Any]:
    x0, y0, x1, y1 = piece.bbox
    return {
        "segmentation": encode_rle(piece.mask),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": int(piece.own.sum()),
    }


def overlay_of(result: Result) -> U8:
    """A result for the eye, uint8 (H, W, 3); sizes as of `draw_overlay`."""
    flags = [instance.flags for instance in result.instances]
    boxes = [piece.bbox for piece in result.unclaimed or ()]
    return draw_overlay(result.absorbance, Masks(result.instances), flags=flags, unclaimed=boxes)


def write_result(
    result: Result,
    folder: Path,
    *,
    file_name: str,
    options: dict[str, Any],
    beside: Callable[[Result, Path], None] | None = None,
) -> None:
    """Write one picture's folder in one step, replacing an older one.

    `instances.json`, `overlay.png`, `chromosomes/001.png …` (numbered as the annotations are).

    Args:
        result: What `Predictor.predict` returned.
        folder: Of the picture.
        file_name: As of `to_coco`.
        options: As of `to_coco`.
        beside: Writes more of the result into the folder that it is given.

    Raises:
        OutputError: The place cannot be written; the older folder is then still there.
    """
    with replacing(folder) as root:
        (root / "chromosomes").mkdir(parents=True)
        for index, instance in enumerate(result.instances, start=1):
            Image.fromarray(instance.crop).save(root / "chromosomes" / f"{index:03d}.png")
        Image.fromarray(overlay_of(result)).save(root / "overlay.png")
        if beside is not None:
            beside(result, root)
        write_json(root / INSTANCES_FILE, to_coco(result, file_name=file_name, options=options))
