"""ETag on what may be asked for again and again: who has it already is not sent it once more."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CACHED = ("/v1/settings", "/v1/model", "/v1/rules", "/openapi.json")  # and what is below; the page has its own


class ETags:
    """ASGI middleware for answers that are sent in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_CACHED):
            await self._app(scope, receive, send)
            return
        known = [tag.strip().removeprefix("W/") for tag in Headers(scope=scope).get("if-none-match", "").split(",")]
        start: Message = {}

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start and start["status"] == 200 and not message.get("more_body"):
                headers = MutableHeaders(scope=start)
                tag = f'"{hashlib.sha256(message["body"]).hexdigest()[:32]}"'
                headers["etag"], headers["cache-control"] = tag, "no-cache"
                if tag in known:
                    start["status"], message = 304, {**message, "body": b""}
                    del headers["content-length"]
            if start:
                await send(start)
                start = {}
            await send(message)

        await self._app(scope, receive, sending)
