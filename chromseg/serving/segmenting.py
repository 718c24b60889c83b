"""POST /v1/segment: one picture in any format, or several, each with a result or the reason why there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from chromseg.errors import InputRefusedError
from chromseg.inference.asked import Asked, scale_of
from chromseg.serving.answers import answer_response
from chromseg.serving.engine import Engine, Segmented
from chromseg.serving.intake import taken_in
from chromseg.serving.logs import tell
from chromseg.serving.openapi import IMAGE_BODY, segment_answers
from chromseg.serving.problems import ProblemError, problem_of
from chromseg.serving.render import Wanted
from chromseg.serving.settings import INCLUDES, Format
from chromseg.serving.uploads import Sent, read_upload

Page = Annotated[int, Query(ge=0, le=10_000, description="Page of a file of several, from 0.")]

Model = Annotated[str, Query(max_length=200, description="Which model, as /v1/models calls it; the first by default.")]


@dataclass(frozen=True)
class Order:
    """How pictures are to be read, by which model, and what is to be answered."""

    asked: Asked
    wanted: Wanted
    model: str

    def check(self, count: int) -> None:
        """Refuse to answer several pictures in a format that holds but one.

        Raises:
            ProblemError: It does.
        """
        format = self.wanted.format
        if count > 1 and format not in ("json", "coco"):
            raise ProblemError(
                "bad-request",
                f"format={format} for {count} pictures",
                expected="json or coco, which can hold several results, or one picture",
                remedy="send the pictures one by one",
            )


async def _order(
    format: Annotated[Format, Query(description="What to answer.")] = "json",
    polarity: Literal["auto", "dark-on-light", "light-on-dark"] = "auto",
    scale: Annotated[str, Query(description="`auto`, or a factor above 0.", examples=["auto"])] = "auto",
    page: Page = 0,
    model: Model = "",
    include: Annotated[
        str, Query(description=f"Comma list of {', '.join(INCLUDES)}; for format=json.", max_length=80)
    ] = "",
) -> Order:
    return Order(Asked(polarity, _scale(scale), page), Wanted(format, _included(include)), model)


Ordered = Annotated[Order, Depends(_order)]


def add_segment(router: APIRouter, engine: Engine) -> None:
    """The route."""

    @router.post("/segment", responses=segment_answers(), openapi_extra=IMAGE_BODY, response_class=Response)
    async def segment(request: Request, order: Ordered) -> Response:
        """Find the chromosomes of an image, or of each image of a form."""
        request_id, client = request.state.request_id, request.state.client
        async with taken_in(request, engine, read_upload) as upload:
            order.check(len(upload.pictures))
            done = await segment_each(engine, upload.pictures, order.asked, order.wanted, client, order.model)
        for picture, one in zip(upload.pictures, done, strict=True):
            if isinstance(one, Segmented):  # of the others the line of the request says so
                tell_segmented(one, request_id, client, picture.name if engine.settings.keep_names else "")
        if len(done) > 1:
            made = [one.body(request_id) if isinstance(one, Segmented) else problem_of(one) for one in done]
            return Response(results_of(made, request_id), media_type="application/json")
        (only,) = done
        if isinstance(only, InputRefusedError):
            raise only
        return answer_response(only.answer, request_id, only)


async def segment_each(
    engine: Engine, pictures: Sequence[Sent], asked: Asked, wanted: Wanted, client: str, model: str = ""
) -> list[Segmented | InputRefusedError]:
    """What becomes of each picture; one that is refused costs the others nothing. Called while `admitted`."""

    async def one(picture: Sent) -> Segmented | InputRefusedError:
        try:
            return await engine.segment(picture.content, asked, wanted, client, picture.name, model)
        except InputRefusedError as error:
            return error

    return list(await asyncio.gather(*map(one, pictures)))


def results_of(made: Sequence[bytes | ProblemError], request_id: str) -> bytes:
    """A JSON object: for each picture, in the order of the form, its status, and its result (JSON) or its error."""
    results = []
    for number, one in enumerate(made, start=1):
        if isinstance(one, ProblemError):
            status, kind, body = one.status, b"error", json.dumps(one.to_json(request_id)["error"]).encode()
        else:
            status, kind, body = 200, b"result", one
        results.append(b'{"picture":%d,"status":%d,"%s":%s}' % (number, status, kind, body))
    return b'{"results":[' + b",".join(results) + b'],"request_id":' + json.dumps(request_id).encode() + b"}"


def _scale(text: str) -> float | Literal["auto"]:
    try:
        return scale_of(text, below=1000)
    except ValueError as error:
        raise ProblemError(
            "bad-request", f"scale {text[:40]!r}", expected="`auto` or a number above 0", remedy="leave it out"
        ) from error


def _included(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [part for part in parts if part not in INCLUDES]
    if unknown:
        raise ProblemError(
            "bad-request", f"include {unknown[0]!r}", expected=f"some of {', '.join(INCLUDES)}", remedy="leave it out"
        )
    return parts


def tell_segmented(done: Segmented, request_id: str, client: str, name: str) -> None:
    """A line of the log; `name` is the picture's, or ""."""
    tell(
        "segmented",
        request_id=request_id,
        client=client,
        image_sha256=done.answer.image_sha256,
        file_name=name or None,
        instances=done.answer.count,
        for_review=done.answer.review,
        unclaimed=done.answer.unclaimed,
        warnings=list(done.answer.warnings) or None,
        model=done.loaded.predictor.identity.name,
        version=done.loaded.predictor.identity.version,
        ms=done.times["total"],
    )
