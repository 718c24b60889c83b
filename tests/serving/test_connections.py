"""Clients that open connections and send nothing, too slowly, or more of them than there is room for."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from serving_app import png, running_server, settings

from benchmarks.serving import slow as measuring
from chromseg.serving import connections, run
from chromseg.serving.connections import Room, most_connections

HEAD = b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n"


@contextmanager
def clients(url: str, count: int, sent: bytes, address: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """Connections that send no more than this; every address of 127.0.0.0/8 is this machine's."""
    host, port = url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        made = [
            stack.enter_context(socket.create_connection((host, int(port)), 20, (address, 0))) for _ in range(count)
        ]
        for one in made:
            one.sendall(sent)
        yield made


def is_closed(client: socket.socket, seconds: float) -> bool:
    """Whether the server ends a connection within the time."""
    client.settimeout(seconds)
    try:
        while client.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        pass
    return True


def still_answers(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/livez", timeout=20) as answer:
        return bool(answer.read())


@pytest.mark.parametrize("sent", [b"", b"POST /v1/seg", HEAD, HEAD + b"\r\n" + b"x" * 100])
def test_a_client_that_stops_half_way_is_not_waited_for(sent: bytes) -> None:
    with running_server(header_timeout=0.2, upload_timeout=0.2) as url, clients(url, 3, sent) as waiting:
        answered = sent.endswith(b"x")  # 408, over a connection that then may send the next request
        if answered:
            assert all(one.recv(4096).startswith(b"HTTP/1.1 408") for one in waiting)
        else:
            assert all(is_closed(one, 10) for one in waiting)
        assert still_answers(url)


def test_more_connections_than_there_is_room_for_take_it_from_those_that_wait_longest() -> None:
    with running_server(connections=8) as url, clients(url, 40, b"GET /liv") as flood:
        assert still_answers(url)
        assert [is_closed(one, 0.5) for one in flood[:30]] == [True] * 30
        assert not is_closed(flood[-1], 0.2)
        flood[-1].sendall(b"ez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert flood[-1].recv(4096).startswith(b"HTTP/1.1 200")


def test_a_flood_from_one_address_costs_no_other_its_connection() -> None:
    with running_server(connections=8) as url, clients(url, 1, HEAD, "127.0.0.2") as (slow,), clients(url, 40, HEAD):
        slow.sendall(b"\r\n" + b"x" * 9000)
        assert slow.recv(4096).startswith(b"HTTP/1.1 422")


class Fake:
    """A connection that waits for its client or works, and can be closed."""

    def __init__(self, address: str, waits: bool) -> None:
        self.address, self.closed, self.transport = address, False, self
        self.is_waiting = lambda: waits

    def abort(self) -> None:
        self.closed = True


def test_one_that_waits_makes_room_whoever_has_the_most() -> None:
    room = Room(settings(connections=4))
    at_work, waiting = [Fake("a", waits=False) for _ in range(2)], [Fake("b", waits=True), Fake("c", waits=True)]
    for one in at_work + waiting:
        room.enter(one)  # type: ignore[arg-type]
    newcomers = [Fake("d", waits=False) for _ in range(3)]
    for one in newcomers:
        room.enter(one)  # type: ignore[arg-type]
    assert not any(one.closed for one in at_work) and all(one.closed for one in waiting)
    assert [one.closed for one in newcomers] == [False, False, True]
    assert len(room) == 4


def test_those_who_come_again_and_again_are_sent_away_before_they_cost_much(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []
    enter = Room.enter
    monkeypatch.setattr(Room, "enter", lambda room, one: [entered.append(one.address), enter(room, one)])
    monkeypatch.setattr(connections, "CHANGES", 4)
    start = time.monotonic()
    with running_server(connections=8) as url, clients(url, 300, b"GET /liv", "127.0.0.2") as flood:
        for _ in range(12):  # others come in at any time
            with clients(url, 1, b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as (other,):
                assert other.recv(4096).startswith(b"HTTP/1.1 200")
        assert sum(not is_closed(one, 0.2) for one in flood) <= 8
        assert entered.count("127.0.0.1") == 12
        most = 8 + connections.CHANGES * (1 + time.monotonic() - start) + connections.ACCEPTED_AT_ONCE
        assert entered.count("127.0.0.2") <= most


def test_the_server_ends_in_time_whatever_clients_do() -> None:
    with ExitStack() as server:
        url = server.enter_context(running_server(upload_timeout=1, timeout=1))
        with clients(url, 5, HEAD + b"\r\nx"), clients(url, 5, b""):
            assert still_answers(url)
            start = time.monotonic()
            server.close()
            assert time.monotonic() - start < 10


def test_there_are_fewer_connections_than_descriptors() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    try:
        assert most_connections(100) == 100
        assert 500 < most_connections(5000) < 1000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_server_raises_its_limit_of_descriptors_as_far_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits, refused = [], [OSError]

    def setrlimit(kind: int, limit: tuple[int, int]) -> None:
        if refused:
            raise refused.pop()
        limits.append(limit)

    monkeypatch.setattr(run, "start_logging", lambda: None)
    monkeypatch.setattr(run, "bind", lambda settings: 1 / 0)  # no further
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    for soft, hard in (256, 5000), (256, 5000), (256, 1000), (256, resource.RLIM_INFINITY), (5000, 5000):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, both=(soft, hard): both)
        with pytest.raises(ZeroDivisionError):
            run.serve(settings(connections=1024))
    assert limits == [(1280, 5000), (1000, 1000), (1280, resource.RLIM_INFINITY)]
    monkeypatch.undo()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_the_benchmark_measures_good_clients_with_and_without_slow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def here(*arguments: object) -> Iterator[tuple[str, None]]:
        with running_server(rate=0) as url:
            yield url, None

    monkeypatch.setattr(measuring, "server", here)
    figures = measuring.slow(Path(), png(), 0.1, 12)
    assert [*figures] == ["alone", "beside_12_of_1", "beside_12_of_100"]
    assert all(times["n"] >= 1 for each in figures.values() for times in each.values())
