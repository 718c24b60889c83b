"""A client of `chromseg-ops serve` that needs nothing but Python.

from chromseg.client import Client

with Client("http://127.0.0.1:8000") as server:
result = server.segment("cell.png")
print(len(result["annotations"]), "chromosomes by version", result["model"]["version"])
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode, urlsplit

from chromseg.errors import ChromsegError, InputRefusedError

Picture: TypeAlias = "Path | str | bytes"
_GOOD = (200, 202, 204)
_SHORTEST, _LONGEST = 0.05, 2.0  # seconds between two questions for a job


class AnswerError(ChromsegError):
    """The server answered with no result.

    Attributes:
        status: HTTP status.
        kind: Of the error, as docs/serving.md lists them; "" where the answer is not the server's own.
        request_id: For the server's operator to find it in the log.
    """

    status, kind, request_id = 0, "", ""


class Client:
    """A server, over one connection that is kept open; for use by one thread.

    Args:
        url: Of the server.
        key: API key, where it asks for one.
        timeout: Seconds that it may be silent.
        patience: Seconds within which a request is sent again where the server is busy and says when to come back.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 120.0, patience: float = 60.0) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=timeout)
        self._path, self._patience = parts.path.rstrip("/"), patience
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the next request would open another one."""
        self._connection.close()

    def segment(
        self,
        picture: Picture,
        *,
        polarity: str = "auto",
        scale: float | str = "auto",
        page: int = 0,
        include: Iterable[str] = (),
        model: str = "",
    ) -> dict[str, Any]:
        """The chromosomes of a picture (a path, or the bytes of a file) as `instances.json` has them.

        Options as of `Predictor.predict`; `include` names parts that the server adds, such as "outlines"; `model` is
        one of those that `models` lists, the first by default.

        Raises:
            InputRefusedError: The picture cannot be read or breaks an input rule.
            AnswerError: There was another answer than a result.
            OSError: The server, or the file, cannot be read.
        """
        query = _asked(polarity=polarity, scale=scale, page=page, include=include, model=model)
        return self._json("POST", "/v1/segment", query, _content(picture))

    def submit(self, *pictures: Picture, **options: Any) -> Job:
        """Have pictures, at most 64, segmented while nobody waits; options and errors as of `segment`."""
        body, form = _form(("image", '; filename="picture"', _content(picture)) for picture in pictures)
        told = json.loads(self._answer("POST", "/v1/jobs", _asked(**options), body, form))
        return self.job(told["id"])

    def job(self, id: str) -> Job:
        """One that was posted before, perhaps by another program with the same key."""
        return Job(self, id)

    def export(self, picture: Picture, instances: Mapping[str, Any], *, format: str = "zip", page: int = 0) -> bytes:
        """Given instances (of `segment`, corrected) in another format; errors as of `segment`."""
        return self._made("/v1/export", picture, instances, {"format": format, "page": page})

    def karyogram(self, picture: Picture, instances: Mapping[str, Any], *, page: int = 0) -> dict[str, Any]:
        """Given instances named and placed, around the `chromosome` that a person gave some; errors as of `segment`."""
        found: dict[str, Any] = json.loads(self._made("/v1/karyogram", picture, instances, {"page": page}))
        return found

    def _made(self, path: str, picture: Picture, instances: Mapping[str, Any], query: Mapping[str, Any]) -> bytes:
        """What the server makes of a picture and instances."""
        document = json.dumps(instances).encode()
        body, form = _form([("image", '; filename="picture"', _content(picture)), ("instances", "", document)])
        return self._answer("POST", path, query, body, form)

    def model(self) -> dict[str, Any]:
        """The model in use, with lineage and metrics; errors as of `segment`."""
        return self._json("GET", "/v1/model", {})

    def models(self) -> list[dict[str, Any]]:
        """All models that may be chosen, each by its `choice`; errors as of `segment`."""
        found: list[dict[str, Any]] = json.loads(self._answer("GET", "/v1/models", {}, b""))
        return found

    def _json(self, method: str, path: str, query: Mapping[str, Any], body: bytes = b"") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._answer(method, path, query, body))
        return found

    def _answer(
        self, method: str, path: str, query: Mapping[str, Any], body: bytes, headers: Mapping[str, str] | None = None
    ) -> bytes:
        target = f"{self._path}{path}?{urlencode(query)}" if query else self._path + path
        until = time.monotonic() + self._patience
        while True:
            status, answer, retry_after = self._ask(method, target, body, self._headers | dict(headers or {}))
            if status in _GOOD:
                return answer
            if status not in (429, 503) or not retry_after or time.monotonic() + retry_after > until:
                raise _problem(status, answer)
            time.sleep(retry_after)

    def _ask(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, float]:
        """Status, body and seconds of Retry-After; over a new connection if the server has closed the old one."""
        with contextlib.suppress(ConnectionError, http.client.BadStatusLine):
            if self._connection.sock is not None:
                return self._exchange(method, target, body, headers)
        self._connection.close()
        return self._exchange(method, target, body, headers)

    def _exchange(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, float]:
        self._connection.request(method, target, body or None, headers)
        answer = self._connection.getresponse()
        wait = answer.headers.get("Retry-After", "")
        return answer.status, answer.read(), float(wait) if wait.isdigit() else 0.0


@dataclass(frozen=True)
class Job:
    """Pictures that a server works on, or has worked on; it forgets them after a while.

    Attributes:
        server: That has it.
        id: For `Client.job`; nobody else can guess it.
    """

    server: Client
    id: str

    def state(self) -> dict[str, Any]:
        """`state` (waiting, working, done, failed), `pictures`, of which so many are `done`, and more.

        Raises:
            AnswerError: The server has it no more, or not for this client (status 404).
        """
        return self.server._json("GET", self._path, {})

    def result(self, wait: float = math.inf) -> dict[str, Any]:
        """What `segment` would give; of several pictures `results`, each with `result` or `error`.

        Args:
            wait: Seconds at most until it is there.

        Raises:
            InputRefusedError: The only picture was refused.
            AnswerError: There is no result, or none yet (status 409).
        """
        until, pause = time.monotonic() + wait, _SHORTEST
        while self.state()["state"] in ("waiting", "working") and time.monotonic() + pause < until:
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST)
        return self.server._json("GET", f"{self._path}/result", {})

    def cancel(self) -> None:
        """End it; the server forgets it."""
        self.server._answer("DELETE", self._path, {}, b"")

    @property
    def _path(self) -> str:
        return f"/v1/jobs/{self.id}"


def _asked(include: Iterable[str] = (), **options: Any) -> dict[str, Any]:
    """Options of a picture as a query, without those that are not given."""
    return {"include": ",".join(include)} | {name: value for name, value in options.items() if value != ""}


def _form(parts: Iterable[tuple[str, str, bytes]]) -> tuple[bytes, dict[str, str]]:
    """Parts (name, what more the head says, content) as the body of a request, and its header."""
    boundary = uuid.uuid4().hex
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"
        for name, more, content in parts
    )
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _content(picture: Picture) -> bytes:
    return picture if isinstance(picture, bytes) else Path(picture).read_bytes()


def _problem(status: int, answer: bytes) -> ChromsegError:
    """The error that an answer stands for."""
    try:
        told = json.loads(answer)["error"]
        got, expected, remedy = told["got"], told["expected"], told["remedy"]
    except (ValueError, KeyError, TypeError):
        told, got = {}, f"an answer of status {status}"
        expected, remedy = "one of a server of ChromSeg-Ops", "check the address, and what stands between"
    if told.get("kind") == "refused":
        return InputRefusedError(got, expected=expected, remedy=remedy)
    error = AnswerError(got, expected=expected, remedy=remedy)
    error.status, error.kind, error.request_id = status, told.get("kind", ""), told.get("request_id", "")
    return error
