"""POST /v1/karyogram: a client's own instances named, straightened and placed, around what a person has said."""

from __future__ import annotations

import io

from fastapi import APIRouter, Request
from PIL import Image
from starlette.responses import Response

from chromseg.inference.karyotyping import Karyotyper
from chromseg.karyogram.classes import GROUPS, ROWS
from chromseg.karyogram.karyogram import Given
from chromseg.karyogram.page import DOTS, karyogram_page
from chromseg.serving.answers import answer_response
from chromseg.serving.engine import Engine
from chromseg.serving.intake import taken_in
from chromseg.serving.openapi import export_body, karyogram_answers
from chromseg.serving.render import Rendered, data_uri, dumps
from chromseg.serving.segmenting import Page
from chromseg.serving.settings import KaryogramFormat
from chromseg.serving.straightening import Straight, Straightening
from chromseg.serving.uploads import read_upload
from chromseg.serving.work import Answer


def add_karyogram(router: APIRouter, engine: Engine) -> None:
    """The route."""

    @router.post("/karyogram", responses=karyogram_answers(), openapi_extra=export_body(), response_class=Response)
    async def karyogram(request: Request, format: KaryogramFormat = "json", page: Page = 0) -> Response:
        """Name given instances of an image, and place them in a karyogram: for a person to check, not a diagnosis.

        Where an instance has `chromosome` or `upside_down`, that stands, and the others are placed around it.
        """
        async with taken_in(request, engine, read_upload) as upload:
            document = await engine.parsed(upload.field("instances"), "instances")
            given = [Given(one.chromosome, one.upside_down) for one in document.annotations]
            task = Straightening(upload.image, page, document, engine.settings.max_pixels)
            answer = await engine.karyogram(
                task, lambda karyotyper, straight: placed(karyotyper, straight, given, format), request.state.client
            )
        return answer_response(answer, request.state.request_id)


def placed(karyotyper: Karyotyper, straight: Straight, given: list[Given], format: KaryogramFormat) -> Answer:
    """Straightened chromosomes named, placed and rendered."""
    karyogram = karyotyper.placed(straight.cell, given)
    if format == "json":
        told = karyotyper.to_json(karyogram, straight.cut_by, straight.image_sha256)
        for each, drawn in zip(told["chromosomes"], straight.drawn, strict=True):
            each["strip"] = data_uri(drawn)
        rendered = Rendered(dumps(told | {"rows": _rows()}), "application/json", ".json")
    else:
        page = karyogram_page(karyogram, straight.drawn)
        stream = io.BytesIO()
        Image.fromarray(page).save(stream, format, resolution=DOTS)
        kind = "image/png" if format == "png" else "application/pdf"
        rendered = Rendered(stream.getvalue(), kind, f"-karyogram.{format}")
    return Answer(rendered, straight.image_sha256, len(karyogram.chromosomes), karyogram.unsure)


def _rows() -> list[list[list[str]]]:
    """Rows of the page, of groups of classes."""
    return [[list(GROUPS[group]) for group in row] for row in ROWS]
