"""Work that outlives the request that asked for it, because nothing can end it: what it holds is not free before."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()  # tasks that nobody else refers to


async def outcome(work: Future[T]) -> T:
    """What a thread's work comes to; a caller that is cancelled meanwhile waits for work that has begun."""
    wrapped = asyncio.wrap_future(work)
    wrapped.add_done_callback(_look_at)
    try:
        return await asyncio.shield(wrapped)
    except asyncio.CancelledError:
        if not work.cancel():
            await asyncio.wait([wrapped])
        raise


async def apart(work: Coroutine[Any, Any, T]) -> T:
    """Await work in a task of its own: a caller that is cancelled cancels it, and does not wait until it has ended."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
    task.add_done_callback(_look_at)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        raise


def _look_at(done: asyncio.Future[Any]) -> None:
    """An error that nobody waits for any more is no news."""
    if not done.cancelled():
        done.exception()
