"""Which requests are let in: bytes that may be held, places among those in work, the time that each may take."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from chromseg.serving.problems import ProblemError

Receive = Callable[[], Awaitable[Any]]  # ASGI's: after the body it answers once the client has left


class Bodies:
    """Bytes of all requests that are held, from the first that arrives until the answer is made.

    Args:
        most: Of all clients together; one client may have half of it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = Counter[str]()

    @property
    def held(self) -> int:
        """Bytes now."""
        return self._held.total()

    @contextmanager
    def of(self, client: str, *, whole: bool = True) -> Iterator[Callable[[int], None]]:
        """What a request of this client is to call with the size of each piece, below 0 for one that it lets go.

        At the end all of it is free again.

        Args:
            client: Whose share it takes from.
            whole: Whether one request alone may have more than that, up to all there is.

        Raises:
            ProblemError: There is too much already.
        """
        own = 0

        def hold(size: int) -> None:
            nonlocal own
            own, self._held[client] = own + size, self._held[client] + size
            share = max(own if whole else 0, self._most // 2)
            if size > 0 and (self.held > self._most or self._held[client] > share):
                raise busy(f"requests of {self.held / 2**20:.0f} MiB in work and waiting", 1.0)

        try:
            yield hold
        finally:
            self._held[client] -= own
            if self._held[client] <= 0:
                del self._held[client]


class Places:
    """Requests in work and waiting, whose body has arrived.

    Args:
        most: Of all clients together; one client may have three quarters of them.
        seconds: That a request may take from now on.
        on_turned_away: Called with the reason.
    """

    def __init__(self, most: int, seconds: float, on_turned_away: Callable[[str], None]) -> None:
        self._most, self._seconds, self._on_turned_away = most, seconds, on_turned_away
        self._taken = Counter[str]()
        self.usual = 1.0  # seconds that recent answers took, waiting included

    def __len__(self) -> int:
        """Requests in work and waiting."""
        return self._taken.total()

    def has_one(self, client: str) -> bool:
        """Whether there is a place for this client."""
        return len(self) < self._most and self._taken[client] < self._most - self._most // 4

    def check(self, client: str) -> None:
        """Refuse a request, best before its body is read, if there is no place for it.

        Raises:
            ProblemError: There is none.
        """
        if not self.has_one(client):
            self._on_turned_away("full")
            raise busy(f"{len(self)} requests in work and waiting", self.usual)

    @asynccontextmanager
    async def take(self, client: str = "", receive: Receive | None = None) -> AsyncIterator[None]:
        """A place for at most the time that a request may take, or until its client leaves.

        Args:
            client: Whose request it is.
            receive: ASGI's, of a request whose body has been read; None does not watch whether the client leaves.

        Raises:
            ProblemError: There is none, the time is up, or the client has left.
        """
        self.check(client)
        self._taken[client] += 1
        leaving: asyncio.Task[None] | None = None
        left = False

        async def wait_until_it_leaves() -> None:
            nonlocal left
            while (await receive())["type"] != "http.disconnect":  # type: ignore[misc]
                pass
            left = True
            limit.reschedule(asyncio.get_running_loop().time())

        try:
            async with asyncio.timeout(self._seconds) as limit:
                if receive is not None:
                    leaving = asyncio.create_task(wait_until_it_leaves())
                yield
        except TimeoutError as error:
            reason = "left" if left else "timeout"
            self._on_turned_away(reason)
            raise (gone() if left else _too_slow(self._seconds)) from error
        finally:
            if leaving is not None:
                leaving.cancel()
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]


def busy(got: str, seconds: float) -> ProblemError:
    """The refusal of what may be sent again after some seconds."""
    return ProblemError(
        "busy",
        got,
        expected="fewer",
        remedy="send it again after the time in Retry-After",
        headers=retry_after(seconds),
    )


def retry_after(seconds: float, most: float = 30.0) -> dict[str, str]:
    """The header that says after how many seconds to come again."""
    return {"Retry-After": str(math.ceil(min(seconds, most)))}


def gone() -> ProblemError:
    """What stands in the log of a request whose client did not wait for the answer; nobody receives it."""
    return ProblemError("left", "a client that left", expected="one that waits", remedy="wait for the answer")


def _too_slow(seconds: float) -> ProblemError:
    return ProblemError(
        "timeout",
        f"no answer within {seconds:g} s",
        expected="an answer in time",
        remedy="send a smaller picture, or raise --timeout",
    )
