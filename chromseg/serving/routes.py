"""The routes below /v1: segment, export, karyogram, corrections, and facts about the server itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

import chromseg
from chromseg.images.pictures import SUFFIXES
from chromseg.serving import cards, schemas
from chromseg.serving.answers import answer_response
from chromseg.serving.correcting import add_corrections
from chromseg.serving.engine import Engine
from chromseg.serving.intake import taken_in
from chromseg.serving.karyograms import add_karyogram
from chromseg.serving.openapi import BAD, card_answers, export_body
from chromseg.serving.render import Wanted
from chromseg.serving.segmenting import Model, Page, add_segment
from chromseg.serving.settings import EXPECTED_COUNT, FORMATS, ExportFormat
from chromseg.serving.uploads import read_upload
from chromseg.serving.work import Exporting
from chromseg.validation.rules import image_rules


def make_router(engine: Engine) -> APIRouter:
    """All routes of one server."""
    router = APIRouter(prefix="/v1")
    add_segment(router, engine)
    _add_export(router, engine)
    add_karyogram(router, engine)
    add_corrections(router, engine)
    _add_facts(router, engine)
    return router


def _add_export(router: APIRouter, engine: Engine) -> None:
    @router.post("/export", responses=BAD, openapi_extra=export_body(), response_class=Response)
    async def export(request: Request, format: ExportFormat = "zip", page: Page = 0) -> Response:
        """Render given instances of an image, say corrected ones; no network is run."""
        async with taken_in(request, engine, read_upload) as upload:
            document = await engine.parsed(upload.field("instances"), "instances")
            name = upload.name if engine.settings.keep_names else ""
            wanted = Wanted(format, options={"corrected": True}, file_name=name)
            task = Exporting(upload.image, page, document, engine.settings.max_pixels, wanted)
            answer = await engine.export(task, request.state.client)
        return answer_response(answer, request.state.request_id)


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

    uris = dict(zip((name for name, _ in engine.choice), (engine.settings.model, *engine.settings.also), strict=True))

    @router.get("/model", response_model=schemas.ModelAnswer, responses=BAD)
    async def model(model: Model = "") -> Any:
        """A model in use, with lineage and metrics."""
        name, models = engine.choice.of(model)
        return cards.model_facts(models.current, uris[name], name)

    @router.get("/models", response_model=list[schemas.ModelAnswer])
    async def models() -> Any:
        """All models that may be chosen, the one that answers by default first."""
        return [cards.model_facts(models.current, uris[name], name) for name, models in engine.choice]

    @router.get("/model/card", response_class=Response, responses=card_answers())
    async def card(format: Literal["html", "markdown"] = "html", model: Model = "") -> Response:
        """The model card."""
        make: Callable[..., str] = cards.card_html if format == "html" else cards.card_markdown
        name, models = engine.choice.of(model)
        text = await asyncio.to_thread(make, models.current, uris[name])
        if format == "markdown":
            return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")
        return HTMLResponse(text, headers={"content-security-policy": cards.CARD_POLICY})

    @router.get("/rules", response_model=list[schemas.RuleAnswer], responses=BAD)
    async def rules(model: Model = "") -> Any:
        """The input rules in force."""
        names = schemas.RuleAnswer.model_fields
        _, models = engine.choice.of(model)
        in_force = image_rules(models.current.predictor.limits)
        return [{name: getattr(rule, name) for name in names} for rule in in_force]
