"""What is not segmented: images that break a rule, bodies that break a limit, more requests than the queue holds."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from drawn_cells import drawn_cell, threshold_predictor
from fastapi.testclient import TestClient
from input_corpus import BAD, GOOD, Drawn
from PIL import Image
from serving_app import MemorySource, client, png

from chromseg.serving.checks import ServerCheck
from chromseg.serving.problems import ProblemError
from chromseg.serving.schemas import ErrorAnswer
from chromseg.serving.settings import ServeSettings
from chromseg.serving.uploads import read_upload
from chromseg.validation import image_facts, validate_inputs


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    with client() as found:
        yield found


def encoded(page: Drawn) -> bytes | None:
    """The page as a file, if any file can hold it."""
    stream = io.BytesIO()
    if page.bit_depth == 64 or min(page.grey.shape) < 1:
        return None
    if page.grey.dtype.kind == "f":
        tifffile.imwrite(stream, page.grey)
    else:
        Image.fromarray(page.grey if page.rgb is None else page.rgb).save(stream, "PNG")
    return stream.getvalue()


def test_server_and_great_expectations_give_one_verdict(server: TestClient) -> None:
    """The server reads the same rules and judges them by itself; Great Expectations judges what the server decoded."""
    makers = [(f"good/{name}", make) for name, make in GOOD.items()]
    makers += [(f"bad/{rule}/{n}", make) for rule, makes in BAD.items() for n, make in enumerate(makes)]
    told: dict[str, list[tuple[str, Any]]] = {}
    rows = []
    for name, make in makers:
        content = encoded(make())
        if content is None:
            continue
        answer = server.post("/v1/segment", content=content)
        assert answer.status_code in (200, 422), answer.text
        body = answer.json()
        failures = body["error"]["failures"] if answer.status_code == 422 else body["validation"]["input"]["failures"]
        told[name] = sorted((failure["rule"], failure["value"]) for failure in failures if failure["rule"] != "usable")
        assert (answer.status_code == 422) >= any(failure["severity"] == "critical" for failure in failures)
        page = make() if content[:2] == b"II" else _decoded(content)
        rows.append({"file": name} | image_facts(page.grey, page.rgb, page.bit_depth))
    report = validate_inputs(rows, "the corpus")
    for name, failures in told.items():
        expected = report.of(name)
        shown = expected.failures if expected.ok else expected.critical
        assert failures == sorted((failure.rule, failure.value) for failure in shown), name
    assert sum(map(bool, told.values())) >= 12 and not all(told.values())


def _decoded(content: bytes) -> Any:
    from chromseg.images.pictures import read_picture

    return read_picture(content).page(0)


def test_rules_are_judged_in_time() -> None:
    check, facts = ServerCheck(), {"file": "x"} | image_facts(drawn_cell(256)[0])
    start = time.perf_counter()
    for _ in range(100):
        check.judge(facts)
    assert (time.perf_counter() - start) / 100 < 0.005


def test_each_broken_rule_is_told_with_what_to_do(server: TestClient) -> None:
    answer = server.post("/v1/segment", content=png(np.zeros((64, 64), np.uint8)))
    assert answer.status_code == 422
    error = ErrorAnswer.model_validate(answer.json()).error
    assert error.kind == "refused" and error.failures
    assert [failure.rule for failure in error.failures] == ["not-blank"]
    assert "lamp" in error.failures[0].remedy


@pytest.mark.parametrize("content", [b"no image", png()[:200], b"\x89PNG\r\n\x1a\n", b"II*\0" + 50 * b"\xff"])
def test_broken_files_break_the_rule_of_readable_files(server: TestClient, content: bytes) -> None:
    answer = server.post("/v1/segment", content=content)
    assert answer.status_code == 422
    assert [failure["rule"] for failure in answer.json()["error"]["failures"]] == ["readable"]


def test_nothing_is_loaded_from_paths_or_pickles(server: TestClient, tmp_path: Path) -> None:
    for content in (
        b"/etc/passwd",
        str(tmp_path).encode(),
        b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.",
    ):
        assert server.post("/v1/segment", content=content).status_code == 422


@pytest.mark.parametrize(
    ("request_parts", "status"),
    [
        ({"content": b""}, 400),
        ({"files": {"other": ("a.png", b"x")}}, 400),
        ({"data": {"image": "text"}}, 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=a"}}, 400),
        ({"content": b"x", "headers": {"content-encoding": "gzip"}}, 415),
    ],
)
def test_bodies_that_are_none(server: TestClient, request_parts: dict[str, Any], status: int) -> None:
    if "data" in request_parts:
        request_parts = {"data": request_parts["data"], "files": {"note": ("n.txt", b"n")}}
    assert server.post("/v1/segment", **request_parts).status_code == status


def test_a_body_is_refused_before_it_is_read() -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield bytes(1000)

    with client(max_body=10_000) as server:
        assert server.post("/v1/segment", content=bytes(20_000)).status_code == 413
        assert server.post("/v1/segment", content=endless()).status_code == 413  # no length declared
        assert server.post("/v1/segment", files={"image": ("a.png", bytes(20_000))}).status_code == 413
        assert server.post("/invocations", content=bytes(20_000)).status_code == 413
        assert server.post("/v1/segment", content=png(drawn_cell(64)[0])[:9000]).status_code in (200, 422)


def test_bombs_are_refused_before_they_are_decoded() -> None:
    big, stack = png(np.zeros((3000, 3000), np.uint8)), io.BytesIO()
    pages = [Image.fromarray(np.zeros((400, 400), np.uint8))] * 10
    pages[0].save(stack, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    with client(max_pixels=1_000_000) as server:
        for content in (big, stack.getvalue()):
            assert len(content) < 60_000
            answer = server.post("/v1/segment", content=content)
            assert answer.status_code == 422 and "megapixels" in answer.text
    with client(max_pixels=50_000) as server:
        assert server.post("/v1/segment", content=png()).status_code == 200
        blown_up = server.post("/v1/segment", content=png(), params={"scale": "1.5"})
        assert blown_up.status_code == 422 and "0.1 megapixels when resized" in blown_up.text


class SlowPredictor:
    """Lets the network wait until it is told to go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.started = threading.Event()

    def predictor(self) -> Any:
        inner = threshold_predictor()
        slow = self

        class Waiting(type(inner)):  # type: ignore[misc]
            def begin(self, images: Any, *at_once: Any) -> Any:
                if images[0].any():  # warming shows it blank pictures
                    slow.started.set()
                    assert slow.go.wait(20)
                return super().begin(images, *at_once)

        return Waiting(**{name: getattr(inner, name) for name in inner.__dataclass_fields__})


def test_a_full_queue_says_when_to_come_back() -> None:
    slow = SlowPredictor()
    with client(MemorySource(slow.predictor()), queue=2) as server:
        answers: list[Any] = []
        threads = [
            threading.Thread(target=lambda: answers.append(server.post("/v1/segment", content=png()))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        assert slow.started.wait(20)
        while server.app.state.engine.in_work < 2:
            time.sleep(0.01)
        refused = server.post("/v1/segment", content=png())
        assert (refused.status_code, refused.json()["error"]["kind"]) == (503, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        assert server.get("/readyz").status_code == 503
        assert server.get("/livez").status_code == 200
        slow.go.set()
        for thread in threads:
            thread.join(20)
        assert [answer.status_code for answer in answers] == [200, 200]
        assert server.app.state.engine.in_work == 0
        assert server.get("/readyz").status_code == 200


def test_a_request_has_its_time() -> None:
    slow = SlowPredictor()
    with client(MemorySource(slow.predictor()), timeout=0.3) as server:
        answer = server.post("/v1/segment", content=png())
        assert (answer.status_code, answer.json()["error"]["kind"]) == (504, "timeout")
        slow.go.set()
        assert server.post("/v1/segment", content=png()).status_code in (200, 504)
        assert server.app.state.engine.in_work == 0


def test_a_bug_tells_the_client_nothing(caplog: pytest.LogCaptureFixture) -> None:
    inner = threshold_predictor()

    class Broken(type(inner)):  # type: ignore[misc]
        def begin(self, images: Any, *at_once: Any) -> Any:
            if images[0].any():
                raise ZeroDivisionError("secret")
            return super().begin(images, *at_once)

    broken = Broken(**{name: getattr(inner, name) for name in inner.__dataclass_fields__})
    with client(MemorySource(broken)) as server:
        answer = server.post("/v1/segment", content=png())
        assert answer.status_code == 500
        assert "secret" not in answer.text and answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
        assert server.get("/livez").status_code == 200


def test_a_slow_upload_is_ended() -> None:
    class Stalled:
        headers: ClassVar = {"content-type": "image/png"}

        async def stream(self) -> Any:
            yield b"\x89PNG"
            await asyncio.sleep(5)

    with pytest.raises(ProblemError) as caught:
        asyncio.run(read_upload(Stalled(), replace(ServeSettings(), upload_timeout=0.05)))  # type: ignore[arg-type]
    assert caught.value.status == 408
