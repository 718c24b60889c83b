"""The gate in front of every route: host, origin, key, rate.

A page on another site can make a browser call a server on this machine. It cannot choose the Host header's name without
having it resolve here (DNS rebinding: hence the list of names), nor hide its Origin.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from chromseg.serving.keys import ApiKeys
from chromseg.serving.problems import ProblemError
from chromseg.serving.settings import ServeSettings

# Open even where keys are asked for:
PROBES = ("/livez", "/readyz", "/ping", "/health", "/v1/settings", "/v2/health/live", "/v2/health/ready")
_CLIENTS = 10_000  # whose rates are remembered


class Guard:
    """ASGI middleware.

    Args:
        app: What is guarded.
        settings: Of the server.
        keys: One of which a request must bring; None asks for none.
        on_turned_away: Called with the reason why a request was not let in.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServeSettings,
        keys: ApiKeys | None = None,
        on_turned_away: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._app, self._keys, self._on_turned_away = app, keys, on_turned_away
        self._hosts = {"localhost", socket.gethostname().lower(), *(name.lower() for name in settings.allow_hosts)}
        self._origins = {origin.rstrip("/").lower() for origin in settings.allow_origins}
        self._rates = RateLimit(settings.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope["state"]
        try:
            state["client"] = self._admit(scope, Headers(scope=scope))
        except ProblemError as problem:
            self._on_turned_away(problem.kind)
            state["client"], state["problem"] = _address(scope), problem
            answer = JSONResponse(problem.to_json(state["request_id"]), problem.status, problem.headers)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope, headers: Headers) -> str:
        """Name of the client, if it may come in.

        Raises:
            ProblemError: It may not.
        """
        self._check_host(headers.get("host", ""))
        self._check_origin(headers)
        client = _address(scope)
        needs_key = self._keys is not None and not is_page(scope["path"]) and scope["path"] not in PROBES
        if needs_key and scope["method"] != "OPTIONS":
            client = self._owner(headers)
        if scope["method"] == "POST":
            self._rates.take(client)
        return client

    def _check_host(self, host: str) -> None:
        name = _host_name(host)
        if name not in self._hosts and not _is_address(name):
            raise ProblemError(
                "forbidden",
                f"a request for host {host[:80]!r}",
                expected="localhost, an address, or a name that the operator allowed",
                remedy="start the server with --allow-host NAME if that is its name",
            )

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None:
            if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
                raise _foreign("another site")
            return
        if origin.rstrip("/").lower() in self._origins:
            return
        if _place(origin) != headers.get("host", "").lower():
            raise _foreign(f"origin {origin[:80]!r}")

    def _owner(self, headers: Headers) -> str:
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip()
        owner = self._keys.owner_of(given) if self._keys is not None and given else None
        if owner is None:
            raise ProblemError(
                "unauthorized",
                "an unknown API key" if given else "no API key",
                expected="`Authorization: Bearer KEY` or `X-API-Key: KEY`",
                remedy="ask whoever runs this server for a key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return owner


class RateLimit:
    """A bucket of tokens for each client: it fills at `rate` a second and holds twice that.

    Args:
        rate: Requests a second; 0 lets everything through.
    """

    def __init__(self, rate: float) -> None:
        self._rate, self._full = rate, max(1.0, 2 * rate)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client → tokens, when

    def take(self, client: str) -> None:
        """One token.

        Raises:
            ProblemError: There is none left.
        """
        if not self._rate:
            return
        now = time.monotonic()
        tokens, then = self._buckets.pop(client, (self._full, now))
        tokens = min(self._full, tokens + (now - then) * self._rate)
        self._buckets[client] = (max(0.0, tokens - 1), now) if tokens >= 1 else (tokens, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        if tokens < 1:
            wait = (1 - tokens) / self._rate
            raise ProblemError(
                "rate-limited",
                f"more than {self._rate:g} requests a second",
                expected="fewer",
                remedy="send it again after the time in Retry-After, or raise --rate",
                headers={"Retry-After": str(max(1, round(wait)))},
            )


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("unknown", 0))[0])


def is_page(path: str) -> bool:
    """Whether a path is of the web page's own files, which hold nothing secret."""
    return not path.startswith(("/v1/", "/v2", "/invocations", "/metrics", "/version", "/openapi.json", *PROBES))


def _place(origin: str) -> str:
    """Host and port of an Origin header; empty if it has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    """No name, hence none that an attacker could have resolve here."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _foreign(what: str) -> ProblemError:
    return ProblemError(
        "forbidden",
        f"a request from {what}",
        expected="one from this server's own page, or from a program",
        remedy="start the server with --allow-origin ORIGIN if that page may use it",
    )
