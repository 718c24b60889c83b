"""The socket a server listens on: bound, known by its address, and left without cutting off who is on the way in."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Iterator

from chromseg.errors import OutputError
from chromseg.serving.logs import tell
from chromseg.serving.settings import ServeSettings

BACKLOG = 2048

_SO_ATTACH_FILTER = 26  # of Linux; Python's socket module does not name it
_DROP_NEWCOMERS = (  # classic BPF, see bpf(4): (operation, jump if true, jump if false, operand)
    (0x30, 0, 0, 13),  # load the byte of TCP's flags
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone is a newcomer's first packet:
    (0x06, 0, 0, 0),  # drop it;
    (0x06, 0, 0, 0xFFFFFFFF),  # keep all others
)


def bind(settings: ServeSettings) -> socket.socket:
    """A listening socket, whose connections send at once what they are given.

    Without TCP_NODELAY the second packet of an answer waits for the client to acknowledge the first, which it delays by
    some 40 ms. asyncio sets it only on sockets whose protocol is named; those that are accepted inherit it.

    Raises:
        OutputError: The address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OutputError(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror or error})",
            expected="a free port of this machine",
            remedy="choose another --port, or end the program that has it",
        ) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def turn_away(listening: socket.socket) -> None:
    """Let nobody new in, for all who share the socket; handshakes under way still end.

    A closed socket resets every connection that waits in its queue, and between the last look at the queue and the
    close there is always room for one more. A newcomer whose first packet was dropped sends it again a second later,
    and is then refused. Elsewhere than on Linux this does nothing; where the kernel cannot do it the log says so,
    for the server must end all the same.
    """
    if sys.platform == "linux":
        program = b"".join(struct.pack("HBBI", *step) for step in _DROP_NEWCOMERS)
        held = ctypes.create_string_buffer(program, len(program))
        described = struct.pack("HL", len(_DROP_NEWCOMERS), ctypes.addressof(held))
        try:
            listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
        except OSError as error:
            tell("newcomers are not turned away", error=str(error))


def accept_waiting(listening: socket.socket) -> Iterator[socket.socket]:
    """Connections in the queue of a socket that does not block."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield listening.accept()[0]
