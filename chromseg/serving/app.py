"""The HTTP application: routes, answers to errors, what happens at start and end."""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import chromseg
from chromseg.errors import ChromsegError
from chromseg.inference.asked import Asked
from chromseg.serving import schemas, tangles
from chromseg.serving.admission import gone
from chromseg.serving.caching import ETags
from chromseg.serving.engine import Engine
from chromseg.serving.guard import PROBES, Guard, is_page
from chromseg.serving.intake import taken_in
from chromseg.serving.job_routes import make_jobs_router
from chromseg.serving.jobs import Jobs
from chromseg.serving.keys import ApiKeys, read_keys
from chromseg.serving.kserve import kserve_router
from chromseg.serving.metrics import MEDIA_TYPE
from chromseg.serving.models import ModelSource
from chromseg.serving.observed import Observed
from chromseg.serving.openapi import BAD, describe_keys
from chromseg.serving.problems import STATUS, ProblemError, problem_of
from chromseg.serving.render import Wanted
from chromseg.serving.routes import make_router
from chromseg.serving.scoring import images_of, predictions_of
from chromseg.serving.segmenting import segment_each
from chromseg.serving.settings import ServeSettings
from chromseg.serving.uploads import Sent, read_body

PAGE = Path(__file__).with_name("page")


def create_app(settings: ServeSettings, source: ModelSource, others: Sequence[ModelSource] = ()) -> FastAPI:
    """The application with its models loaded: that of `source`, and of `others` those in `settings.also`.

    Raises:
        ChromsegError: A model or the file of keys cannot be used.
    """
    keys = read_keys(Path(settings.api_keys)) if settings.api_keys else None
    engine = Engine(settings, source, others)
    jobs = Jobs(engine)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        async with jobs.open():
            yield
        await engine.stop()

    app = FastAPI(
        title="ChromSeg-Ops",
        version=chromseg.__version__,
        description="Cuts pictures of metaphases into single chromosomes. For research, not for diagnosis.",
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # generated clients call their functions so
    )
    app.state.engine, app.state.jobs = engine, jobs
    app.include_router(make_router(engine))
    app.include_router(make_jobs_router(engine, jobs))
    app.include_router(tangles.make_router(engine))
    app.include_router(kserve_router(engine))
    _add_scoring(app, engine)
    _add_probes(app, engine)
    _add_error_answers(app)
    if (PAGE / "index.html").is_file():
        app.router.routes.append(_PageMount("/", StaticFiles(directory=PAGE, html=True), name="page"))
    describe_keys(app, PROBES, required=keys is not None)
    _add_layers(app, engine, keys)
    return app


def _add_layers(app: FastAPI, engine: Engine, keys: ApiKeys | None) -> None:
    """What stands around every route, from the inside to the outside."""
    app.add_middleware(ETags)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=1)
    app.add_middleware(Guard, settings=engine.settings, keys=keys, on_turned_away=engine.metrics.turn_away)
    if engine.settings.allow_origins:  # around the guard, so that an allowed page can read why it was refused
        app.add_middleware(
            CORSMiddleware,
            allow_origins=engine.settings.allow_origins,
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    app.add_middleware(Observed, metrics=engine.metrics)


def _add_scoring(app: FastAPI, engine: Engine) -> None:
    """What MLflow's own scoring server answers, so that its clients work unchanged."""
    table = {"type": "object", "example": {"dataframe_split": {"columns": ["image"], "data": [["iVBORw0KGgo="]]}}}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": table}}}}

    @app.post("/invocations", openapi_extra=body, responses=BAD, response_class=JSONResponse)
    async def invocations(request: Request) -> Response:
        """MLflow's scoring protocol: column `image` (base64) in, column `instances` (JSON text) out.

        Of several rows some may be refused: their `instances` is null, and `error` says why.
        """
        try:
            async with taken_in(request, engine, read_body) as body:
                rows = list(map(Sent, images_of(body, request.headers.get("content-type", "application/json"))))
                done = await segment_each(engine, rows, Asked(), Wanted("coco"), request.state.client)
                predictions = predictions_of(done)
        except ChromsegError as error:
            request.state.problem = problem = problem_of(error)
            code = {400: "BAD_REQUEST", 422: "BAD_REQUEST", 503: "RESOURCE_EXHAUSTED"}.get(problem.status, problem.kind)
            status = 400 if problem.status == 422 else problem.status  # as MLflow answers what a model refuses
            return JSONResponse({"error_code": code, "message": str(error)}, status, problem.headers)
        return JSONResponse({"predictions": predictions})

    @app.get("/ping", response_class=Response)
    @app.get("/health", operation_id="health", response_class=Response)
    async def ping() -> Response:
        """Healthy: a model is loaded."""
        return Response("\n", media_type="application/json")

    if find_spec("mlflow"):  # a server of a model folder needs none

        @app.get("/version", response_class=Response)
        async def version() -> Response:
            """Of MLflow."""
            return Response(importlib.metadata.version("mlflow"), media_type="application/json")


def _add_probes(app: FastAPI, engine: Engine) -> None:
    @app.get("/livez", response_class=Response)
    async def livez() -> Response:
        """This process answers."""
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz", response_model=schemas.ReadyAnswer, responses={503: {"model": schemas.ReadyAnswer}})
    async def readyz() -> Response:
        """Whether requests should be sent here."""
        ready, identity = engine.takes_requests, engine.models.current.predictor.identity
        return JSONResponse(
            {"ready": ready, "model": identity.name, "version": identity.version}, 200 if ready else 503
        )

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(engine.metrics.text(), media_type=MEDIA_TYPE)


def _add_error_answers(app: FastAPI) -> None:
    """Every error as JSON with got, expected, remedy."""

    async def answer(request: Request, problem: ProblemError) -> Response:
        request.state.problem = problem
        content = {"error": str(problem)}  # as KServe's protocol has it
        if not request.url.path.startswith("/v2/"):
            content = problem.to_json(request.state.request_id)
        return JSONResponse(content, problem.status, problem.headers)

    @app.exception_handler(ChromsegError)
    async def ours(request: Request, error: ChromsegError) -> Response:
        return await answer(request, problem_of(error))

    @app.exception_handler(ClientDisconnect)
    async def left(request: Request, error: ClientDisconnect) -> Response:
        return await answer(request, gone())

    @app.exception_handler(RequestValidationError)
    async def wrong_query(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        problem = ProblemError(
            "bad-request", f"{place}: {first['msg']}", expected="what /openapi.json says", remedy="correct the request"
        )
        return await answer(request, problem)

    @app.exception_handler(HTTPException)
    async def from_framework(request: Request, error: HTTPException) -> Response:
        kind = next((kind for kind, status in STATUS.items() if status == error.status_code), "bad-request")
        problem = ProblemError(
            kind,
            f"{request.method} {request.url.path[:80]}",
            expected="a route of /openapi.json",
            remedy="check address and method",
            headers=error.headers,
        )
        return await answer(request, problem)


class _PageMount(Mount):
    """The page's files, below every path that is not of the API, whose wrong methods must stay 405."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if is_page(scope["path"]) else (Match.NONE, {})
