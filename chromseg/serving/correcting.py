"""The routes of corrections: keep one, and give back what is kept, so that work on a picture goes on from there.

A correction has an ETag. Who saves names what they had before them (`If-Match`, or `If-None-Match: *` for nothing): if
somebody else has saved since, the answer is 409 with who and when, and nothing is written. Without either it is saved
as it comes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import JSONResponse, Response

from chromseg.serving import schemas
from chromseg.serving.corrections import Basis, Correction, Kept, kept_correction, save_correction
from chromseg.serving.documents import Document
from chromseg.serving.engine import Engine
from chromseg.serving.intake import taken_in
from chromseg.serving.logs import tell
from chromseg.serving.openapi import BAD, correction_body
from chromseg.serving.problems import ProblemError
from chromseg.serving.uploads import Upload, read_upload

Key = Annotated[str, InPath(pattern="^[0-9a-f]{16}(-page-[0-9]{3,5})?$", description="As it was saved under.")]
_CONFLICT = {409: {"model": schemas.ErrorAnswer, "description": "Somebody else has saved a correction since."}}


def add_corrections(router: APIRouter, engine: Engine) -> None:
    """Add both routes."""

    @router.post(
        "/corrections",
        status_code=201,
        responses=BAD | _CONFLICT | {201: {"model": schemas.CorrectionAnswer}},
        openapi_extra=correction_body(),
        response_model=schemas.CorrectionAnswer,
    )
    async def correct(request: Request, response: Response) -> Any:
        """Keep a corrected result; `chromseg-ops data import coco DIR/corrected` makes a data version of them."""
        folder = _folder(engine)
        key = request.state.client if engine.settings.api_keys is not None else None
        basis = Basis(request.headers.get("if-match"), request.headers.get("if-none-match") == "*")
        async with taken_in(request, engine, read_upload) as upload:
            original, corrected = [await engine.parsed(upload.field(name), name) for name in ("original", "corrected")]
            correction = _correction(upload, original, corrected, key)
            saved = await asyncio.to_thread(save_correction, folder, correction, engine.settings.max_pixels, basis)
        engine.metrics.reviews.labels("corrected" if saved.changed else "accepted").inc()
        tell("correction", request_id=request.state.request_id, id=saved.id, changed=saved.changed)
        response.headers["etag"] = saved.etag
        return {**vars(saved), "reviewer": correction.reviewer, "key": key}

    @router.get("/corrections/{key}", response_model=dict[str, Any], responses=BAD)
    async def correction(key: Key) -> Response:
        """The present correction of a picture, as COCO; `key` is the start of its file's SHA-256, and its page."""
        kept: Kept | None = await asyncio.to_thread(kept_correction, _folder(engine), key)
        if kept is None:
            raise ProblemError(
                "not-found",
                f"no correction of {key}",
                expected="a picture that somebody corrected",
                remedy="save a correction of it first",
            )
        return JSONResponse(kept.content, headers={"etag": kept.etag})


def _folder(engine: Engine) -> Path:
    if engine.corrections is None:
        raise ProblemError(
            "corrections-off",
            "a correction",
            expected="a server that keeps them",
            remedy="start it with --corrections DIR",
        )
    return engine.corrections


def _correction(upload: Upload, original: Document, corrected: Document, key: str | None) -> Correction:
    page = upload.fields.get("page", "0")
    return Correction(
        image=upload.image,
        original=original,
        corrected=corrected,
        reviewer=upload.field("reviewer", 200).strip(),
        key=key,
        case=upload.fields.get("case", "").strip()[:200],
        note=upload.fields.get("note", "")[:2000],
        stain=upload.fields.get("stain", "").strip()[:40],
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0,
    )
