"""A socket that is left without cutting off anybody who came in time."""

from __future__ import annotations

import errno
import logging
import select
import socket
import sys
from collections.abc import Iterator

import pytest
from serving_app import running_server

from chromseg.serving import listening as listening_module
from chromseg.serving import patient
from chromseg.serving.listening import accept_waiting, address_of, bind, turn_away
from chromseg.serving.logs import LOGGER
from chromseg.serving.settings import ServeSettings

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a listener turn newcomers away")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with bind(ServeSettings(port=0)) as made:
        made.setblocking(False)
        yield made


def newcomer(address: tuple[str, int]) -> socket.socket:
    """Who has asked to be let in, and does not wait for it."""
    made = socket.socket()
    made.setblocking(False)
    assert made.connect_ex(address) == errno.EINPROGRESS
    return made


def outcome(client: socket.socket, seconds: float) -> int | None:
    """The error of a connection that was asked for, 0 if it was let in, none if neither within the time."""
    _, answered, _ = select.select([], [client], [], seconds)
    return client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if answered else None


@linux
def test_newcomers_are_turned_away_and_who_waits_is_not(listening: socket.socket) -> None:
    address = listening.getsockname()
    with newcomer(address) as early:
        assert outcome(early, 5) == 0
        turn_away(listening)
        with newcomer(address) as late:
            assert outcome(late, 0.3) is None
            (accepted,) = accept_waiting(listening)
            listening.close()
            assert outcome(late, 10) == errno.ECONNREFUSED
        with accepted:
            early.send(b"?")
            accepted.settimeout(5)
            assert accepted.recv(1) == b"?"


@linux
def test_who_comes_between_the_last_look_and_the_close_is_refused_not_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[socket.socket] = []

    def look_then_let_one_come(listening: socket.socket) -> Iterator[socket.socket]:
        yield from accept_waiting(listening)
        late.append(newcomer(listening.getsockname()))

    monkeypatch.setattr(patient, "accept_waiting", look_then_let_one_come)
    with running_server(grace=0.1):
        pass
    with late[0] as client:
        assert outcome(client, 10) == errno.ECONNREFUSED


@linux
def test_where_newcomers_cannot_be_turned_away_the_server_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening_module, "_SO_ATTACH_FILTER", 0x7FFF)  # no kernel knows it
    with caplog.at_level(logging.INFO, LOGGER), running_server(grace=0.1) as url:
        pass
    assert "newcomers are not turned away" in caplog.messages
    host, port = url.removeprefix("http://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)


def test_an_address_is_told_as_a_url(listening: socket.socket) -> None:
    assert address_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_an_answer_over_a_connection_that_is_kept_open_does_not_wait_for_acknowledgements(
    listening: socket.socket,
) -> None:
    with socket.create_connection(listening.getsockname()):
        (accepted,) = accept_waiting(listening)
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
