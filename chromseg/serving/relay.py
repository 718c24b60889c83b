"""Workers of one server ask each other, over sockets in a folder that is theirs alone; nothing is written there."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chromseg.serving.listening import BACKLOG
from chromseg.serving.problems import ProblemError

GONE = (FileNotFoundError, ConnectionRefusedError, ConnectionResetError)  # its jobs are, too


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, before it is sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@asynccontextmanager
async def answering(socket: Path, answer: Callable[..., Reply]) -> AsyncIterator[None]:
    """Answer other workers as long as the block lasts; `answer` gets what they ask by name, and may raise problems."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        died_asking = contextlib.suppress(ConnectionError, ValueError)
        with contextlib.closing(writer), died_asking:
            question = json.loads(await reader.readline())
            try:
                reply = answer(**question)
                head = {"status": reply.status, "headers": reply.headers}
            except ProblemError as problem:
                reply, head = Reply(problem.status), {**problem.to_json("")["error"], "headers": problem.headers}
            writer.write(json.dumps({**head, "size": len(reply.body)}).encode() + b"\n" + reply.body)
            await writer.drain()

    server = await asyncio.start_unix_server(serve, socket, backlog=BACKLOG)
    try:
        yield
    finally:
        server.close()
        socket.unlink(missing_ok=True)


async def ask(socket: Path, **question: str) -> Reply:
    """What another worker answers.

    Raises:
        OSError: There is no such worker, or no more (`GONE`), or it cannot be asked now.
        ProblemError: Its answer is one.
    """
    reader, writer = await asyncio.open_unix_connection(socket)
    with contextlib.closing(writer):
        writer.write(json.dumps(question).encode() + b"\n")
        line = await reader.readline()
        body = await reader.read()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("cut off")
    head: dict[str, Any] = json.loads(line)
    if len(body) != head.pop("size"):
        raise ConnectionResetError("cut off")
    if "status" in head:
        return Reply(head["status"], head["headers"], body)
    del head["request_id"]  # the answer will have that of the request
    raise ProblemError(head.pop("kind"), head.pop("got"), **head)
