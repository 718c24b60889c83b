"""Connections of bounded number, whose clients cannot keep them by sending nothing, too slowly, or reading nothing.

A connection waits for its client (for the head or body of a request, or until the answer is read) or works for it. Only
one that waits is ever closed: when it has waited too long, or when one more comes than there is room for. Then the
address that has the most connections, of those of which one waits, loses the one that has waited longest; but an
address that has its share already can change its connections for others only so often, for each costs as much as a
small request.
"""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from chromseg.serving.settings import ServeSettings

try:
    import resource
except ImportError:  # Windows, which does not count descriptors
    resource = None  # type: ignore[assignment]

KEEP_ALIVE = 30  # seconds that a connection may wait for its next request
ACCEPTED_AT_ONCE = 8  # so that no answer waits for many who come, and there are never many more than there may be
CHANGES = 100  # a second, and at once, while all places are taken
_SENT_AWAY_AT_ONCE = 64
_RESERVE = 256  # descriptors for everything else, some rounds of newly accepted connections among it


class Connection(H11Protocol):
    """uvicorn's connection, which knows how long it has been waiting for its client.

    Args:
        room: Where it is registered.
        arguments: Of uvicorn.
    """

    def __init__(self, room: Room, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._room = room
        self.address = ""
        self.since = 0.0  # when it began to wait, in the loop's time

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Come in, and have another one leave if there are too many."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._begin_to_wait()
        self._room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        super().connection_lost(exc)
        self._room.leave(self)

    def data_received(self, data: bytes) -> None:
        """A trickle does not count: the time runs from the first byte of a head or body to its last."""
        before = self.conn.their_state
        super().data_received(data)
        if self.conn.their_state is not before:
            self._begin_to_wait()

    def on_response_complete(self) -> None:
        """The next request may come."""
        super().on_response_complete()
        self._begin_to_wait()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._begin_to_wait()

    def is_waiting(self) -> bool:
        """Whether the client is to do something next."""
        unread = self.flow.write_paused or self.transport.is_closing()
        return unread or (self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.flow.read_paused)

    def patience(self, settings: ServeSettings) -> float:
        """Seconds that it may wait now."""
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            return settings.upload_timeout + 5  # after which a body was answered 408
        return settings.header_timeout if self.cycle is None else KEEP_ALIVE + 5

    def _begin_to_wait(self) -> None:
        self.since = self.loop.time()
        self._room.renew(self)


class Room:
    """The connections of one process, by address, those first that have waited longest.

    Args:
        settings: Of the server.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings, self._most = settings, most_connections(settings.connections)
        self._connections: dict[str, dict[Connection, None]] = {}
        self._count = 0
        self._changes, self._counted = float(CHANGES), time.monotonic()

    @property
    def protocol(self) -> Any:
        """What uvicorn makes its connections with."""
        return partial(Connection, self)

    def __len__(self) -> int:
        """Connections."""
        return self._count

    def takes(self, address: str) -> bool:
        """Whether one from this address may come in: always while there is room, or to an address that has few."""
        if self._count < self._most:
            return True
        most = max(map(len, self._connections.values()))
        return 2 * len(self._connections.get(address, ())) < most or self._takes_a_change()

    def _takes_a_change(self) -> bool:
        now = time.monotonic()
        self._changes = min(CHANGES, self._changes + CHANGES * (now - self._counted))
        self._counted = now
        if self._changes < 1:
            return False
        self._changes -= 1
        return True

    def enter(self, connection: Connection) -> None:
        """One more; another one goes if that is too many, or the new one where all are at work."""
        self._connections.setdefault(connection.address, {})[connection] = None
        self._count += 1
        if self._count > self._most:
            by_number = sorted(self._connections.values(), key=len, reverse=True)
            others = (one for own in by_number for one in own if one is not connection and one.is_waiting())
            self._close(next(others, connection))

    def leave(self, connection: Connection) -> None:
        """One fewer; it may have left before."""
        own = self._connections.get(connection.address, {})
        if connection in own:
            del own[connection]
            self._count -= 1
        if not own:
            self._connections.pop(connection.address, None)

    def renew(self, connection: Connection) -> None:
        """It waits no longer, or for something else: it goes to the end of the line."""
        own = self._connections.get(connection.address, {})
        if connection in own:
            del own[connection]
            own[connection] = None

    def close_late(self) -> None:
        """Close those that have waited too long for their clients."""
        for own in list(self._connections.values()):
            for one in list(own):
                if one.is_waiting() and one.loop.time() - one.since > one.patience(self._settings):
                    self._close(one)

    def _close(self, connection: Connection) -> None:
        self.leave(connection)
        connection.transport.abort()


class Door(socket.socket):
    """A listening socket at which whoever the room does not take is sent away, before anything is made for it.

    Args:
        room: Of the connections.
        listening: Whose place it takes; both are to be closed.
    """

    def __init__(self, room: Room, listening: socket.socket) -> None:
        super().__init__(fileno=socket.dup(listening.fileno()))
        self._room = room

    def accept(self) -> tuple[socket.socket, Any]:
        """The next one that the room takes.

        Raises:
            BlockingIOError: There is none, or there were many to send away: others are to be served first.
        """
        for _ in range(_SENT_AWAY_AT_ONCE):
            connection, address = super().accept()
            if self._room.takes(address[0]):
                return connection, address
            connection.close()
        raise BlockingIOError


def most_connections(wanted: int) -> int:
    """How many connections a process can have, given the descriptors that it may open."""
    if resource is None:
        return wanted
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - _RESERVE))


def allow_connections(wanted: int) -> None:
    """Let this process and those it starts have so many, where the system lets it; macOS begins with 256 descriptors.

    What the system refuses is not had: `most_connections` counts what there is.
    """
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + _RESERVE if hard == resource.RLIM_INFINITY else min(wanted + _RESERVE, hard)
    if soft != resource.RLIM_INFINITY and soft < need:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
