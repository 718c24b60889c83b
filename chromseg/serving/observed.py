"""Around every request: its id, headers of the answer, its count and time, a line of the log where it is refused."""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chromseg.serving.guard import is_page
from chromseg.serving.logs import LOGGER, tell
from chromseg.serving.metrics import Metrics
from chromseg.serving.problems import ProblemError, unexpected

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Observed:
    """ASGI middleware, the outermost.

    HEAD is answered as GET is, without the body. A bug goes to the log, and the client learns only that there was one.

    Args:
        app: What is observed.
        metrics: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        request_id = uuid.uuid4().hex
        scope = {**scope, "method": "GET" if head else scope["method"]}
        scope.setdefault("state", {})["request_id"] = request_id
        start, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id, scope["path"])
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            logging.getLogger(LOGGER).exception("bug", extra={"facts": {"request_id": request_id}})
            if not status:
                await JSONResponse(unexpected().to_json(request_id), 500)(scope, receive, sending)
        finally:
            self._count(scope, status, time.perf_counter() - start)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        name = getattr(route, "path", None) or ("page" if is_page(scope["path"]) else "none")
        self._metrics.requests.labels(name, str(status)).inc()
        self._metrics.seconds.labels(name).observe(seconds)
        if status >= 400:
            problem: ProblemError | None = scope["state"].get("problem")
            tell(
                "refused" if status < 500 else "failed",
                request_id=scope["state"]["request_id"],
                client=scope["state"].get("client"),
                route=name,
                status=status,
                kind=problem and problem.kind,
                rules=[failure["rule"] for failure in problem.failures] or None if problem else None,
                ms=round(1000 * seconds, 2),
            )


def _add_headers(message: Message, request_id: str, path: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers["x-request-id"] = request_id
    if not is_page(path):
        headers.setdefault("cache-control", "no-store")
