"""Who works next, on how many pixels at a time: clients take turns, so that nobody waits for all that another sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Bounds the pixels in work.

    Args:
        room: Pixels at a time.
        most: Pictures at a time, however small.
    """

    def __init__(self, room: int, most: int) -> None:
        self._room, self._least = room, -(-room // most)
        self._free = room
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}  # by client, whose turn it is first

    @asynccontextmanager
    async def of(self, client: str, pixels: int) -> AsyncIterator[None]:
        """A turn of this client; a picture of more pixels than there is room for works alone."""
        size = min(max(pixels, self._least), self._room)
        await self._wait(client, size)
        try:
            yield
        finally:
            self._give_back(size)

    async def _wait(self, client: str, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append((size, turn))
        self._call()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(size)
            raise

    def _give_back(self, size: int) -> None:
        self._free += size
        self._call()

    def _call(self) -> None:
        """Let those begin for whom there is room; the client that had a turn goes to the end of the line."""
        while self._waiting:
            client, own = next(iter(self._waiting.items()))
            size, turn = own[0]
            if not turn.cancelled() and size > self._free:
                return
            own.popleft()
            del self._waiting[client]
            if own:
                self._waiting[client] = own
            if not turn.cancelled():
                self._free -= size
                turn.set_result(None)
