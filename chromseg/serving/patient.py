"""A uvicorn server that loses no request at its end, and lets no client keep it.

uvicorn closes its sockets at once, which cuts off the clients in their queues, and connections that are kept open,
on which the next request may be on its way (docs/decisions.md has what that costs).
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable

import uvicorn

from chromseg.serving.connections import ACCEPTED_AT_ONCE, KEEP_ALIVE, Door, Room
from chromseg.serving.listening import BACKLOG, accept_waiting, turn_away
from chromseg.serving.settings import ServeSettings


class PatientServer(uvicorn.Server):
    """Loses no request at its end: for a while every answer also says that it is the connection's last.

    Args:
        settings: Of the server.
        app: The ASGI application.
        on_ready: Called once requests are answered.
        alone: Nobody else listens on its sockets; otherwise the supervisor turns newcomers away.
    """

    def __init__(
        self, settings: ServeSettings, app: object, on_ready: Callable[[], None] = lambda: None, alone: bool = True
    ) -> None:
        self._room = Room(settings)
        super().__init__(_config(settings, app, self._room))
        self._grace, self._on_ready, self._alone = settings.grace, on_ready, alone

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, and say so; asyncio accepts few connections at a time, but many may wait for it."""
        doors: list[socket.socket] = [Door(self._room, listening) for listening in sockets or []]
        try:
            await super().startup(doors)
        finally:
            if not self.started:
                for door in doors:
                    door.close()
        for listening in sockets or []:
            listening.listen(BACKLOG)
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn does, ten times a second; close the connections that wait too long, once a second."""
        if counter % 10 == 0:
            self._room.close_late()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on answering, stop listening, then end as uvicorn does: after every request in work is answered."""
        self._say_close()
        await asyncio.sleep(self._grace)
        if self._alone:
            for listening in sockets or []:
                turn_away(listening)
        await asyncio.sleep(self._grace)  # who is on the way in comes in
        await self._stop_listening(sockets or [])
        await asyncio.sleep(self._grace)  # who was let in last may not have sent the request yet
        await super().shutdown(sockets)

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Close the listeners, and let in who still waits in their queues: the kernel would cut them off."""
        waiting = [one for listening in sockets for one in accept_waiting(listening)]
        for server in self.servers:
            server.close()
        for one in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, one)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def _say_close(self) -> None:
        """Have every answer from now on carry `Connection: close`, those of requests in work as well."""
        self.server_state.default_headers.append((b"connection", b"close"))
        for connection in self.server_state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None:
                cycle.keep_alive = False


def _config(settings: ServeSettings, app: object, room: Room) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=room.protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.behind_proxy,
        backlog=ACCEPTED_AT_ONCE,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.upload_timeout + settings.timeout),  # whatever clients do
        h11_max_incomplete_event_size=64 * 1024,
    )
