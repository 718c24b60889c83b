"""The routes below /v1: segment, export, corrections, and facts about the server itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

import chromseg
from chromseg.images.pictures import SUFFIXES
from chromseg.serving import cards, schemas
from chromseg.serving.corrections import Correction, save_correction
from chromseg.serving.documents import parse_document
from chromseg.serving.engine import Asked, Engine, Segmented
from chromseg.serving.intake import taken_in
from chromseg.serving.logs import tell
from chromseg.serving.openapi import BAD, IMAGE_BODY, correction_body, export_body, segment_answers
from chromseg.serving.problems import ProblemError
from chromseg.serving.render import Wanted
from chromseg.serving.settings import EXPECTED_COUNT, FORMATS, INCLUDES, ExportFormat, Format
from chromseg.serving.uploads import Upload, read_upload
from chromseg.serving.work import Answer, Exporting
from chromseg.validation.rules import image_rules

Page = Annotated[int, Query(ge=0, le=10_000, description="Page of a file of several, from 0.")]


@dataclass(frozen=True)
class Reading:
    """The query of a request to segment."""

    asked: Asked
    include: tuple[str, ...]


def make_router(engine: Engine) -> APIRouter:
    """All routes of one server."""
    router = APIRouter(prefix="/v1")
    _add_segment(router, engine)
    _add_export(router, engine)
    _add_corrections(router, engine)
    _add_facts(router, engine)
    return router


def _add_segment(router: APIRouter, engine: Engine) -> None:
    @router.post("/segment", responses=segment_answers(), openapi_extra=IMAGE_BODY, response_class=Response)
    async def segment(
        request: Request,
        format: Annotated[Format, Query(description="What to answer.")] = "json",
        polarity: Literal["auto", "dark-on-light", "light-on-dark"] = "auto",
        scale: Annotated[str, Query(description="`auto`, or a factor above 0.", examples=["auto"])] = "auto",
        page: Page = 0,
        include: Annotated[
            str, Query(description=f"Comma list of {', '.join(INCLUDES)}; for format=json.", max_length=80)
        ] = "",
    ) -> Response:
        """Find the chromosomes of an image."""
        asked = Asked(polarity, _scale(scale), page)
        parts = _included(include)
        async with taken_in(request, engine, read_upload) as upload:
            name = upload.name if engine.settings.keep_names else ""
            wanted = Wanted(format, parts, file_name=name)
            done = await engine.segment(upload.image, asked, wanted, request.state.client)
        _tell_segmented(request, done, name)
        return _response(done.answer, request, done)


def _add_export(router: APIRouter, engine: Engine) -> None:
    @router.post("/export", responses=BAD, openapi_extra=export_body(), response_class=Response)
    async def export(request: Request, format: ExportFormat = "zip", page: Page = 0) -> Response:
        """Render given instances of an image, say corrected ones; no network is run."""
        async with taken_in(request, engine, read_upload) as upload:
            document = await asyncio.to_thread(parse_document, _field(upload, "instances"), "instances")
            name = upload.name if engine.settings.keep_names else ""
            wanted = Wanted(format, options={"corrected": True}, file_name=name)
            task = Exporting(upload.image, page, document, wanted, engine.settings.max_pixels)
            answer = await engine.export(task, request.state.client)
        return _response(answer, request)


def _add_corrections(router: APIRouter, engine: Engine) -> None:
    @router.post(
        "/corrections",
        status_code=201,
        responses=BAD | {201: {"model": schemas.CorrectionAnswer}},
        openapi_extra=correction_body(),
        response_model=schemas.CorrectionAnswer,
    )
    async def correct(request: Request) -> Any:
        """Keep a corrected result; `chromseg-ops data import coco DIR/corrected` makes a data version of them."""
        folder = engine.corrections
        if folder is None:
            raise ProblemError(
                "corrections-off",
                "a correction",
                expected="a server that keeps them",
                remedy="start it with --corrections DIR",
            )
        async with taken_in(request, engine, read_upload) as upload:
            correction = await asyncio.to_thread(_correction, upload)
            saved = await asyncio.to_thread(save_correction, folder, correction, engine.settings.max_pixels)
        engine.metrics.reviews.labels("corrected" if saved.changed else "accepted").inc()
        tell("correction", request_id=request.state.request_id, id=saved.id, changed=saved.changed)
        return {**vars(saved), "reviewer": correction.reviewer}


def _add_facts(router: APIRouter, engine: Engine) -> None:
    @router.get("/settings", response_model=schemas.SettingsAnswer)
    async def settings() -> Any:
        """What a page needs to know before the first picture."""
        return {
            "software_version": chromseg.__version__,
            "corrections": engine.corrections is not None,
            "needs_key": engine.settings.api_keys is not None,
            "formats": FORMATS,
            "max_body_bytes": engine.settings.max_body,
            "max_pixels": engine.settings.max_pixels,
            "suffixes": SUFFIXES,
            "expected_count": EXPECTED_COUNT,
        }

    @router.get("/model", response_model=schemas.ModelAnswer)
    async def model() -> Any:
        """The model in use, with lineage and metrics."""
        return cards.model_facts(engine.models.current, engine.settings.model)

    @router.get("/model/card", response_class=HTMLResponse, responses=BAD)
    async def card(format: Literal["html", "markdown"] = "html") -> Response:
        """The model card."""
        make: Callable[..., str] = cards.card_html if format == "html" else cards.card_markdown
        text = await asyncio.to_thread(make, engine.models.current, engine.settings.model)
        if format == "markdown":
            return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")
        return HTMLResponse(text, headers={"content-security-policy": cards.CARD_POLICY})

    @router.get("/rules", response_model=list[schemas.RuleAnswer])
    async def rules() -> Any:
        """The input rules in force."""
        names = schemas.RuleAnswer.model_fields
        in_force = image_rules(engine.models.current.predictor.limits)
        return [{name: getattr(rule, name) for name in names} for rule in in_force]


def _scale(text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1000:
        raise ProblemError(
            "bad-request", f"scale {text[:40]!r}", expected="`auto` or a number above 0", remedy="leave it out"
        )
    return value


def _included(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [part for part in parts if part not in INCLUDES]
    if unknown:
        raise ProblemError(
            "bad-request", f"include {unknown[0]!r}", expected=f"some of {', '.join(INCLUDES)}", remedy="leave it out"
        )
    return parts


def _field(upload: Upload, name: str, most: int | None = None) -> str:
    text = upload.fields.get(name, "")
    if not text.strip() or (most is not None and len(text) > most):
        raise ProblemError(
            "bad-request",
            f"a form without a usable field `{name}`",
            expected=f"`{name}`" + (f" of 1 to {most} characters" if most else ""),
            remedy="send the form as /openapi.json describes it",
        )
    return text


def _correction(upload: Upload) -> Correction:
    page = upload.fields.get("page", "0")
    return Correction(
        image=upload.image,
        original=parse_document(_field(upload, "original"), "original"),
        corrected=parse_document(_field(upload, "corrected"), "corrected"),
        reviewer=_field(upload, "reviewer", 200).strip(),
        case=upload.fields.get("case", "").strip()[:200],
        note=upload.fields.get("note", "")[:2000],
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0,
    )


def _response(answer: Answer, request: Request, done: Segmented | None = None) -> Response:
    rendered = answer.rendered
    headers = {"x-image-sha256": answer.image_sha256}
    if done is not None:
        headers["x-model-version"] = str(done.loaded.predictor.identity.version)
    if rendered.suffix != ".json":
        headers["content-disposition"] = f'attachment; filename="{answer.image_sha256[:16]}{rendered.suffix}"'
    body = rendered.body
    if done is not None and rendered.open_ended:
        tail = {"timings_ms": done.times, "request_id": request.state.request_id}
        body = body[:-1] + b"," + json.dumps(tail).encode()[1:]
    return Response(body, media_type=rendered.media_type, headers=headers)


def _tell_segmented(request: Request, done: Segmented, name: str) -> None:
    tell(
        "segmented",
        request_id=request.state.request_id,
        client=request.state.client,
        image_sha256=done.answer.image_sha256,
        file_name=name or None,
        instances=done.answer.count,
        for_review=done.answer.review,
        warnings=list(done.answer.warnings) or None,
        model=done.loaded.predictor.identity.name,
        version=done.loaded.predictor.identity.version,
        ms=done.times["total"],
    )
