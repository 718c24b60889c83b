"""KServe's second protocol (Open Inference Protocol), so that its clients and gateways work unchanged.

One input `image` of BYTES, each value a file in base64; two outputs of BYTES with a value for each picture: `instances`
(JSON text) and `error`, one of which is "".
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import JSONResponse, Response

import chromseg
from chromseg.inference.asked import Asked
from chromseg.serving.engine import Engine
from chromseg.serving.intake import taken_in
from chromseg.serving.openapi import BAD
from chromseg.serving.problems import ProblemError
from chromseg.serving.render import Wanted
from chromseg.serving.scoring import decoded, predictions_of
from chromseg.serving.segmenting import segment_each
from chromseg.serving.uploads import MOST_PICTURES, Sent, read_body

_TENSOR = {"datatype": "BYTES", "shape": [-1]}
_EXAMPLE = {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["iVBORw0KGgo="]}]}
_KIND = {"schema": {"type": "object", "required": ["inputs"]}, "example": _EXAMPLE}
_BODY = {"requestBody": {"required": True, "content": {"application/json": _KIND}}}


class Tensor(BaseModel):
    """The only input."""

    name: Literal["image"]
    datatype: Literal["BYTES"]
    shape: list[int] = Field(max_length=8)
    data: Annotated[list[str], Field(min_length=1, max_length=MOST_PICTURES)]


class InferRequest(BaseModel):
    """What a client asks."""

    id: str | None = None
    inputs: Annotated[list[Tensor], Field(min_length=1, max_length=1)]


class KserveError(BaseModel):
    """Every answer of the protocol that is no result."""

    error: str


def kserve_router(engine: Engine) -> APIRouter:
    """The routes below /v2."""
    router = APIRouter(prefix="/v2", tags=["KServe v2"], responses={status: {"model": KserveError} for status in BAD})
    _add_health(router, engine)
    _add_models(router, engine)
    return router


def _add_health(router: APIRouter, engine: Engine) -> None:
    @router.get("")
    async def kserve_server() -> Any:
        """Name and version of the server."""
        return {"name": "chromseg-ops", "version": chromseg.__version__, "extensions": []}

    @router.get("/health/live")
    async def kserve_live() -> Any:
        """This process answers."""
        return {"live": True}

    @router.get("/health/ready")
    async def kserve_ready() -> Response:
        """Whether requests should be sent here."""
        return JSONResponse({"ready": engine.takes_requests}, 200 if engine.takes_requests else 503)


def _add_models(router: APIRouter, engine: Engine) -> None:
    @router.get("/models/{name}/ready")
    async def kserve_model_ready(name: str) -> Response:
        """Whether requests for this model should be sent here."""
        _check_name(engine, name)
        return JSONResponse({"name": name, "ready": engine.takes_requests}, 200 if engine.takes_requests else 503)

    @router.get("/models/{name}")
    async def kserve_model(name: str) -> Any:
        """Inputs and outputs."""
        version = _check_name(engine, name)
        outputs = [{"name": "instances", **_TENSOR}, {"name": "error", **_TENSOR}]
        return {
            "name": name,
            "versions": [] if version is None else [version],
            "platform": "chromseg-ops",
            "inputs": [{"name": "image", **_TENSOR}],
            "outputs": outputs,
        }

    @router.post("/models/{name}/infer", openapi_extra=_BODY)
    async def kserve_infer(request: Request, name: str) -> Response:
        """Find the chromosomes of each picture."""
        _check_name(engine, name)
        async with taken_in(request, engine, read_body) as content:
            asked = _parsed(content)
            pictures = [Sent(decoded(text, row)) for row, text in enumerate(asked.inputs[0].data)]
            done = await segment_each(engine, pictures, Asked(), Wanted("coco"), request.state.client)
            rows = predictions_of(done)
        version = next(one.loaded.predictor.identity.version for one in done if not isinstance(one, Exception))
        outputs = [
            {"name": key, "datatype": "BYTES", "shape": [len(rows)], "data": [row.get(key) or "" for row in rows]}
            for key in ("instances", "error")
        ]
        answer = {"model_name": name, "model_version": version, "id": asked.id, "outputs": outputs}
        return JSONResponse({key: value for key, value in answer.items() if value is not None})


def _check_name(engine: Engine, name: str) -> str | None:
    """The version in use of the model of this name.

    Raises:
        ProblemError: There is no such model here.
    """
    identity = engine.models.current.predictor.identity
    if name != identity.name:
        raise ProblemError(
            "not-found", f"model {name[:80]!r}", expected=identity.name, remedy="ask for the model that is served"
        )
    return identity.version


def _parsed(content: bytes) -> InferRequest:
    try:
        return InferRequest.model_validate(json.loads(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        got = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, RecursionError):
        got = "a body that is no JSON"
    raise ProblemError(
        "bad-request",
        got,
        expected="one input `image` of datatype BYTES: files in base64",
        remedy='send {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["…base64…"]}]}',
    )
