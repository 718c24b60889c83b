"""How a request with a body comes in: first the body, which takes no place, then a place for the time of the work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import Request

from chromseg.serving.engine import Engine

T = TypeVar("T")


@asynccontextmanager
async def taken_in(request: Request, engine: Engine, read: Callable[..., Awaitable[T]]) -> AsyncIterator[T]:
    """What `read` (of `uploads`) makes of the body, with a place in work; both end with the block, or with the client.

    Raises:
        ProblemError: The body cannot be read, there is no place, the time is up, or the client has left.
    """
    client = request.state.client
    engine.places.check(client)
    with engine.bodies.of(client) as hold:
        body = await read(request, engine.settings, hold)
        async with engine.admitted(client, request.receive):
            yield body
