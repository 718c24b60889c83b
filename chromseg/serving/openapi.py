"""The parts of the OpenAPI description that FastAPI cannot read from function signatures: bodies read by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

from chromseg.serving import schemas
from chromseg.serving.uploads import MOST_PICTURES

_WORDS = {
    400: "The request is no good.",
    401: "No API key, or an unknown one.",
    403: "A host or origin that is not allowed.",
    404: "Not found, or not switched on.",
    408: "The body took too long to arrive.",
    413: "The body is too large.",
    415: "The body's kind or encoding is not supported.",
    422: "The image was refused; `failures` has each broken rule and what to do.",
    429: "Too many requests; see Retry-After.",
    500: "An internal error.",
    503: "The queue is full; see Retry-After.",
    504: "No answer in time.",
}
BAD: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.ErrorAnswer, "description": words} for status, words in _WORDS.items()
}
_BINARY = {"type": "string", "format": "binary"}
_PICTURES = {"type": "array", "items": _BINARY, "minItems": 1, "maxItems": MOST_PICTURES}
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/tiff", "image/bmp", "application/octet-stream")
_DRAWN = (
    "COCO instances: `annotations`, each with `segmentation` as compressed or uncompressed run lengths or polygons; "
    "`score`, `flags`, `from`, `status` may be given, and what a person says of its place in a karyogram: "
    "`chromosome`, 1 to 22, X or Y, and `upside_down`."
)


def _form(required: list[str], properties: dict[str, Any], image: dict[str, Any] = _BINARY) -> dict[str, Any]:
    return {
        "multipart/form-data": {
            "schema": {"type": "object", "required": required, "properties": {"image": image, **properties}}
        }
    }


IMAGE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "PNG, JPEG, BMP or TIFF; grey or colour; 8, 12, 16 bits or float.",
        "content": {kind: {"schema": _BINARY} for kind in _IMAGE_TYPES} | _form(["image"], {}, _PICTURES),
    }
}


def describe_keys(app: FastAPI, open_paths: Sequence[str], required: bool) -> None:
    """Have the description say how a key is sent, and where none is asked for.

    Args:
        app: Whose description it is.
        open_paths: That ask for none.
        required: Whether the others do.
    """
    make = app.openapi

    def described() -> dict[str, Any]:
        schema = make()
        schema.setdefault("components", {})["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        schema["security"] = [{"bearer": []}, {"key": []}, *([] if required else [{}])]
        for path in open_paths:
            for operation in schema["paths"].get(path, {}).values():
                operation["security"] = []
        return schema

    app.openapi = described  # type: ignore[method-assign]


def export_body() -> dict[str, Any]:
    """Of /v1/export and /v1/karyogram."""
    content = _form(["image", "instances"], {"instances": {"type": "string", "description": f"JSON. {_DRAWN}"}})
    return {"requestBody": {"required": True, "content": content}}


def correction_body() -> dict[str, Any]:
    """Of /v1/corrections."""
    fields = {
        "original": {"type": "string", "description": "JSON as /v1/segment answered it."},
        "corrected": {"type": "string", "description": f"JSON. {_DRAWN}"},
        "reviewer": {"type": "string", "maxLength": 200},
        "case": {"type": "string", "maxLength": 200},
        "note": {"type": "string", "maxLength": 2000},
        "page": {"type": "integer", "minimum": 0},
    }
    content = _form(["image", "original", "corrected", "reviewer"], fields)
    return {"requestBody": {"required": True, "content": content}}


def job_answers() -> dict[int | str, dict[str, Any]]:
    """Of /v1/jobs."""
    location = {"description": "Where to ask for the job.", "schema": {"type": "string"}}
    good = {"model": schemas.JobAnswer, "description": "The job was taken.", "headers": {"Location": location}}
    return {202: good, **BAD}


def segment_answers(early: bool = False) -> dict[int | str, dict[str, Any]]:
    """Of /v1/segment, and of the result of a job, which may be asked for too `early`."""
    kinds: dict[str, Any] = {kind: {"schema": _BINARY} for kind in ("application/zip", "image/png", "image/tiff")}
    good = {
        "model": schemas.Segmentation | schemas.SegmentationOfMany,
        "description": "The chromosomes, in the format asked for; of several pictures, in the order of the form.",
        "content": {"application/json": {"example": EXAMPLE}, **kinds},
    }
    conflict: dict[int | str, dict[str, Any]] = {
        409: {"model": schemas.ErrorAnswer, "description": "There is none yet; see Retry-After."}
    }
    return {200: good, **BAD, **(conflict if early else {})}


def card_answers() -> dict[int | str, dict[str, Any]]:
    """Of /v1/model/card."""
    text = {"schema": {"type": "string"}}
    good = {"description": "In the format asked for.", "content": {"text/html": text, "text/markdown": text}}
    return {200: good, **BAD}


def karyogram_answers() -> dict[int | str, dict[str, Any]]:
    """Of /v1/karyogram."""
    kinds: dict[str, Any] = {kind: {"schema": _BINARY} for kind in ("image/png", "application/pdf")}
    good = {
        "model": schemas.KaryogramAnswer,
        "description": "The chromosomes in their places, in the format asked for.",
        "content": kinds,
    }
    return {200: good, **BAD}


_REPORT = {"name": "the image", "ok": True, "n_checked": 1, "n_critical": 0, "n_warnings": 0}
_REPORT |= {"failures": [], "checks": []}
EXAMPLE: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "", "height": 576, "width": 768, "page": 0, "pages": 1}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "segmentation": {"size": [576, 768], "counts": "X`m14P1O00"},
            "bbox": [120, 40, 12, 55],
            "area": 483,
            "iscrowd": 0,
            "score": 0.93,
            "flags": [],
            "uncertainty": None,
            "probability": 0.94,
        }
    ],
    "categories": [{"id": 1, "name": "chromosome"}],
    "unclaimed": [],
    "model": {
        "name": "chromseg",
        "version": "3",
        "weights_sha256": "4e247f4a9d94be604ab1fd80938d11e3e12b44544faadd2323e32841e57c58a8",
        "data_md5": {"bioimlab": "1ff944b5c970c3e11fd349bb8769238d.dir"},
        "commit": "c2a9ee12ee689545a00af37b83b57998a33332c6",
        "partition": {"algorithm": "chromseg-ops", "radius": 10},
        "software_version": "0.1.0",
        "image_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "lineage_id": "ce837c63879d4d0dbd3f5d7d50105fb0",
    },
    "validation": {"input": _REPORT, "result": _REPORT},
    "options": {"polarity": "light-on-dark", "scale": 1.0, "asked_polarity": "auto", "asked_scale": "auto"},
    "timings_ms": {"decode": 3.1, "validate": 4.0, "network": 41.0, "partition": 9.4, "total": 61.2},
    "request_id": "5d1c0c7e0c4e4f6c8b3f4a9f7e5f1a2b",
}
