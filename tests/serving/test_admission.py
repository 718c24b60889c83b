"""Who is let in, who works next, and what ends with the request that asked for it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from serving_app import MemorySource, client, png, running_server
from test_refusals import SlowPredictor

from chromseg.images.headers import declared_pixels
from chromseg.serving.admission import Bodies, Places
from chromseg.serving.problems import ProblemError
from chromseg.serving.turns import Turns

HEAD = "POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n"


def test_clients_take_turns() -> None:
    began: list[str] = []

    async def scenario() -> None:
        turns, go = Turns(200, 2), asyncio.Event()

        async def work(client: str) -> None:
            async with turns.of(client, 1):
                began.append(client)
                await go.wait()

        tasks = [asyncio.create_task(work(client)) for client in "aaaaaabb"]
        await asyncio.sleep(0.01)
        assert began == ["a", "a"]
        go.set()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert "".join(began) == "aaababaa"


def test_large_pictures_work_alone_and_those_who_give_up_leave_no_gap() -> None:
    async def scenario() -> None:
        turns, go = Turns(100, 10), asyncio.Event()
        in_work: list[int] = []

        async def work(pixels: int) -> None:
            async with turns.of("a", pixels):
                in_work.append(pixels)
                await go.wait()

        large, given_up, small = (asyncio.create_task(work(pixels)) for pixels in (1_000_000, 60, 20))
        await asyncio.sleep(0.01)
        assert in_work == [1_000_000]
        given_up.cancel()
        go.set()
        await asyncio.gather(large, small)
        go.clear()
        both = [asyncio.create_task(work(pixels)) for pixels in (60, 40)]
        await asyncio.sleep(0.01)
        assert in_work == [1_000_000, 20, 60, 40]
        go.set()
        await asyncio.gather(*both)

    asyncio.run(scenario())


def test_a_quarter_of_the_places_is_for_others() -> None:
    async def scenario() -> None:
        reasons: list[str] = []
        places = Places(4, 10, reasons.append)
        async with places.take("a"), places.take("a"), places.take("a"):
            with pytest.raises(ProblemError) as caught:
                places.check("a")
            assert (caught.value.status, reasons) == (503, ["full"])
            async with places.take("b"):
                assert len(places) == 4
                with pytest.raises(ProblemError):
                    places.check("c")
        assert len(places) == 0

    asyncio.run(scenario())


def test_bodies_are_held_within_bounds() -> None:
    bodies = Bodies(100)
    with bodies.of("a") as hold, bodies.of("a") as second, bodies.of("b") as others:
        hold(30)
        second(20)
        with pytest.raises(ProblemError, match="MiB in work"):
            second(1)
        others(40)
        with pytest.raises(ProblemError):
            others(20)
    with bodies.of("a") as hold:
        hold(90)  # one body alone may be as large as the limit of all
    with bodies.of("a", whole=False) as hold:
        hold(50)
        with pytest.raises(ProblemError):
            hold(1)


def test_the_size_is_known_before_a_pixel_is_decoded() -> None:
    assert declared_pixels(png()) == declared_pixels(png(format="TIFF"))
    assert declared_pixels(b"no image") is None
    assert declared_pixels(b"II*\0" + 50 * b"\xff") is None


def wait_until(done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 20)


def test_a_body_that_does_not_come_takes_no_place() -> None:
    with running_server(queue=2) as url:
        slow = [connect(url) for _ in range(8)]
        for one in slow:
            one.sendall(HEAD.format(9000).encode() + b"x")
        with connect(url) as good:
            content = png()
            good.sendall(HEAD.format(len(content)).encode() + content)
            assert good.recv(4096).startswith(b"HTTP/1.1 200")
        for one in slow:
            one.close()


@pytest.mark.parametrize("part", [100, None])
def test_a_client_that_leaves_is_no_bug_and_its_work_ends(part: int | None, caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowPredictor()
    with running_server(source=MemorySource(slow.predictor())) as url:
        content = png()
        with connect(url) as leaving:
            leaving.sendall(HEAD.format(len(content)).encode() + content[:part])
            if part is None:
                assert slow.started.wait(20)
        with connect(url) as asking:

            def counted() -> bool:
                asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                return b'chromseg_requests_total{route="/v1/segment",status="499"} 1.0' in asking.recv(200_000)

            wait_until(counted)
        slow.go.set()
    assert "bug" not in caplog.messages


def test_pixels_of_work_that_goes_on_are_not_given_to_others() -> None:
    slow = SlowPredictor()
    with client(MemorySource(slow.predictor()), timeout=0.3) as server:
        assert server.post("/v1/segment", content=png()).status_code == 504
        engine = server.app.state.engine
        assert (engine.in_work, engine._turns._free < engine._turns._room) == (0, True)
        slow.go.set()
        wait_until(lambda: engine._turns._free == engine._turns._room)
