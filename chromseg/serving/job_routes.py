"""The routes of jobs: POST /v1/jobs, and below it the state, the result and the end of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import Response, StreamingResponse

from chromseg.serving import schemas
from chromseg.serving.engine import Engine
from chromseg.serving.jobs import Jobs, Verb
from chromseg.serving.openapi import BAD, IMAGE_BODY, job_answers, segment_answers
from chromseg.serving.relay import Reply
from chromseg.serving.segmenting import Ordered
from chromseg.serving.uploads import read_upload

Id = Annotated[str, InPath(max_length=80, description="Of the job: a secret.")]

_PIECE = 256 * 2**10  # bytes; of what is longer the server holds no copy for each who reads slowly or not at all


def make_jobs_router(engine: Engine, jobs: Jobs) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/v1/jobs")

    async def told(what: Verb, id: str, request: Request) -> Response:
        return response_of(await jobs.ask(what, id, request.state.client))

    @router.post("", status_code=202, responses=job_answers(), openapi_extra=IMAGE_BODY, response_class=Response)
    async def submit(request: Request, order: Ordered) -> Response:
        """Have the chromosomes of images found while nobody waits; takes what /v1/segment takes."""
        client = request.state.client
        jobs.check(client)
        engine.choice.of(order.model)
        with engine.bodies.of(client) as hold:
            upload = await read_upload(request, engine.settings, hold)
            order.check(len(upload.pictures))
            reply = jobs.add(client, request.state.request_id, upload.pictures, order)
        return response_of(reply)

    @router.get("/{id}", response_model=schemas.JobAnswer, responses=BAD)
    async def job(request: Request, id: Id) -> Response:
        """What has become of a job. As long as it goes on, Retry-After says when to ask again."""
        return await told("state", id, request)

    @router.get("/{id}/result", responses=segment_answers(early=True), response_class=Response)
    async def job_result(request: Request, id: Id) -> Response:
        """What /v1/segment would have answered, an error too. It is kept until the job is ended or its time is up."""
        return await told("result", id, request)

    @router.delete("/{id}", status_code=204, responses=BAD, response_class=Response)
    async def cancel(request: Request, id: Id) -> Response:
        """End a job, and forget its pictures and its result."""
        return await told("cancel", id, request)

    return router


def response_of(reply: Reply) -> Response:
    """A reply on its way to the client, a long one in pieces."""
    if len(reply.body) <= _PIECE:
        return Response(reply.body, reply.status, reply.headers)
    return StreamingResponse(_pieces(reply.body), reply.status, reply.headers)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]
