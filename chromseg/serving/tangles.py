"""A tangle that a person drew axes through, partitioned again: what the page's crossing tool asks for."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chromseg.annotations.rasterize import decode_rle, encode_rle
from chromseg.boxes import box_of
from chromseg.errors import DataError
from chromseg.partition.axes import MOST_AXES, partition_along
from chromseg.serving.documents import RunLengths
from chromseg.serving.engine import Engine
from chromseg.serving.intake import taken_in
from chromseg.serving.openapi import BAD
from chromseg.serving.schemas import Separated
from chromseg.serving.uploads import read_body

_MOST_POINTS = 2_000  # of one axis
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]
Axis = Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=2, max_length=_MOST_POINTS)]


class Tangle(BaseModel):
    """All pixels of a tangle, and the axes drawn through it: points (x, y) in pixels of the picture."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    mask: RunLengths
    axes: Annotated[list[Axis], Field(min_length=1, max_length=MOST_AXES)]


_POINT = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["mask", "axes"],
                    "properties": {
                        "mask": {"type": "object", "description": "Run lengths as COCO has them: size and counts."},
                        "axes": {
                            "type": "array",
                            "description": "For each chromosome points (x, y) from tip to tip.",
                            "minItems": 1,
                            "maxItems": MOST_AXES,
                            "items": {"type": "array", "minItems": 2, "items": _POINT},
                        },
                    },
                },
                "example": {
                    "mask": {"size": [5, 5], "counts": [10, 5, 10]},
                    "axes": [[[2.5, 0.5], [2.5, 4.5]]],
                },
            }
        },
    }
}


def make_router(engine: Engine) -> APIRouter:
    """The route of one server."""
    router = APIRouter(prefix="/v1")

    @router.post("/partition", responses=BAD, openapi_extra=_BODY, response_model=Separated)
    async def partition(request: Request) -> Any:
        """Split a tangle along axes that a person drew through it; no network is run."""
        async with taken_in(request, engine, read_body) as body:
            return await asyncio.to_thread(_separated, body, engine.settings.max_pixels)

    return router


def _separated(body: bytes, most: int) -> dict[str, Any]:
    """Parse, partition, encode.

    Raises:
        DataError: The body is no tangle, or an axis does not run through it.
    """
    try:
        tangle = Tangle.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise _refused(f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}") from error
    height, width = tangle.mask.size
    if not 0 < height * width <= most:
        raise _refused(f"a mask of {width}×{height}, expected at most {most} pixels")
    region = decode_rle(tangle.mask.model_dump(), height, width)
    axes = [np.array(axis)[:, ::-1] - 0.5 for axis in tangle.axes]  # (x, y) of corners to (row, col) of middles
    masks = partition_along(region, axes)
    annotations = []
    for index, mask in enumerate(masks):
        x0, y0, x1, y1 = box_of(mask)
        found = {"segmentation": encode_rle(mask), "bbox": [x0, y0, x1 - x0, y1 - y0], "area": int(mask.sum())}
        annotations.append({**found, "axis": index if index < len(axes) else None})
    return {"annotations": annotations}


def _refused(got: str) -> DataError:
    return DataError(
        got,
        expected="`mask` as run lengths and `axes` of points (x, y)",
        remedy="send what /openapi.json describes",
    )
