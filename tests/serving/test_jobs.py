"""Jobs: work that is posted, asked about, fetched or cancelled, and gone when its time is up."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving_app import MemorySource, client, png, running_server, settings
from test_admission import wait_until
from test_many import form
from test_refusals import SlowPredictor
from test_run import started

from chromseg.client import Client
from chromseg.serving import jobs, relay
from chromseg.serving.job_routes import response_of
from chromseg.serving.keys import new_key
from chromseg.serving.schemas import ErrorAnswer, JobAnswer

BLANK = png(np.zeros((64, 64), np.uint8))


@pytest.fixture
def server() -> Iterator[TestClient]:
    with client() as found:
        yield found


@pytest.fixture
def slow() -> Iterator[SlowPredictor]:
    found = SlowPredictor()
    yield found
    found.go.set()


def post(server: TestClient, *contents: bytes, **more: Any) -> dict[str, Any]:
    answer = server.post("/v1/jobs", files=form(*contents), **more)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return JobAnswer.model_validate(answer.json()).model_dump()


def ended(server: TestClient, posted: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        answer = server.get(f"/v1/jobs/{posted['id']}")
        state = JobAnswer.model_validate(answer.json()).model_dump()
        assert ("retry-after" in answer.headers) == (state["state"] in ("waiting", "working"))
        if state["state"] in ("done", "failed"):
            return state
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def without_chance(answer: dict[str, Any]) -> dict[str, Any]:
    """What two answers to one request have in common."""
    return {name: value for name, value in answer.items() if name not in ("timings_ms", "request_id", "results")}


@pytest.mark.parametrize("format", ["json", "coco", "zip"])
def test_a_job_ends_as_the_same_request_would(server: TestClient, format: str) -> None:
    posted = post(server, png(), params={"format": format})
    assert (posted["pictures"], posted["done"], posted["error"]) == (1, 0, None)
    assert ended(server, posted)["state"] == "done"
    result, answer = (
        server.get(f"/v1/jobs/{posted['id']}/result"),
        server.post("/v1/segment?format=" + format, content=png()),
    )
    told = ("content-type", "content-disposition", "x-model-version", "x-image-sha256")
    assert [result.headers.get(name) for name in told] == [answer.headers.get(name) for name in told]
    if format == "json":
        assert without_chance(result.json()) == without_chance(answer.json())
    else:
        assert result.content == answer.content


def test_several_pictures_each_with_its_result_or_the_reason(server: TestClient) -> None:
    posted = post(server, png(), BLANK, png())
    last = ended(server, posted)
    assert (last["state"], last["pictures"], last["done"]) == ("done", 3, 3)
    results = server.get(f"/v1/jobs/{posted['id']}/result").json()["results"]
    assert [(one["picture"], one["status"]) for one in results] == [(1, 200), (2, 422), (3, 200)]
    assert len(results[2]["result"]["annotations"]) == 4


def test_a_refused_picture_is_a_job_that_failed(server: TestClient) -> None:
    posted = post(server, BLANK)
    last = ended(server, posted)
    assert (last["state"], last["error"]["kind"], last["error"]["failures"][0]["rule"]) == (
        "failed",
        "refused",
        "not-blank",
    )
    result = server.get(f"/v1/jobs/{posted['id']}/result")
    assert (result.status_code, ErrorAnswer.model_validate(result.json()).error.kind) == (422, "refused")


@pytest.mark.parametrize(("query", "count"), [("scale=-1", 1), ("model=other", 1), ("format=zip", 2), ("include=x", 1)])
def test_what_cannot_be_done_is_refused_at_once(server: TestClient, query: str, count: int) -> None:
    assert server.post(f"/v1/jobs?{query}", files=form(*[png()] * count)).status_code == 400


def test_progress_is_told_while_it_works_and_the_result_when_there_is_one(slow: SlowPredictor) -> None:
    with client(MemorySource(slow.predictor())) as server:
        posted = post(server, BLANK, png(), png(), png())
        assert slow.started.wait(20)
        state = server.get(f"/v1/jobs/{posted['id']}").json()
        assert (state["state"], state["pictures"], state["step"]) == ("working", 4, "network")
        assert state["done"] in (0, 1)
        second = post(server, png())
        assert (second["state"], second["step"]) == ("waiting", None)
        early = server.get(f"/v1/jobs/{posted['id']}/result")
        assert (early.status_code, early.json()["error"]["kind"]) == (409, "conflict")
        assert int(early.headers["retry-after"]) >= 1
        slow.go.set()
        assert ended(server, posted)["done"] == 4
        assert ended(server, second)["state"] == "done"


def test_at_most_two_pictures_of_jobs_are_in_work_and_others_come_in_between(slow: SlowPredictor) -> None:
    with client(MemorySource(slow.predictor())) as server:
        posted = post(server, *[png()] * 8)
        assert slow.started.wait(20)
        assert server.app.state.engine.in_work == 2
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(server.post("/v1/segment", content=png())))
        asking.start()
        wait_until(lambda: server.app.state.engine.in_work == 3)
        slow.go.set()
        asking.join(20)
        assert answers[0].status_code == 200
        assert server.get(f"/v1/jobs/{posted['id']}").json()["done"] < 8
        assert ended(server, posted)["state"] == "done"


def test_jobs_wait_for_a_place(slow: SlowPredictor) -> None:
    with client(MemorySource(slow.predictor()), queue=1) as server:
        asking = threading.Thread(target=lambda: server.post("/v1/segment", content=png()))
        asking.start()
        assert slow.started.wait(20)
        posted = server.app.state.engine.in_work
        job = server.post("/v1/jobs", content=png())
        assert (posted, job.status_code) == (1, 202)
        time.sleep(0.3)
        assert server.get(f"/v1/jobs/{job.json()['id']}").json()["state"] == "waiting"
        slow.go.set()
        asking.join(20)
        assert ended(server, job.json())["state"] == "done"


def test_a_client_without_a_place_does_not_keep_the_jobs_of_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = dict(new_key(name) for name in ("a", "b"))
    (tmp_path / "keys").write_text("\n".join(keys.values()), encoding="utf-8")
    a, b = ({"X-API-Key": key} for key in keys)
    with client(api_keys=str(tmp_path / "keys")) as server:
        places, has_one = server.app.state.engine.places, server.app.state.engine.places.has_one
        monkeypatch.setattr(places, "has_one", lambda client: client != "a" and has_one(client))
        waiting, other = post(server, png(), png(), headers=a), post(server, png(), headers=b)
        wait_until(lambda: server.get(f"/v1/jobs/{other['id']}", headers=b).json()["state"] == "done")
        assert server.get(f"/v1/jobs/{waiting['id']}", headers=a).json()["state"] == "waiting"


def test_a_cancelled_job_ends_its_work(slow: SlowPredictor, caplog: pytest.LogCaptureFixture) -> None:
    with client(MemorySource(slow.predictor())) as server, caplog.at_level(logging.INFO, "chromseg.serving"):
        engine = server.app.state.engine
        posted = post(server, png(), png(), png())
        assert slow.started.wait(20)
        assert server.delete(f"/v1/jobs/{posted['id']}").status_code == 204
        for path in ("", "/result"):
            assert server.get(f"/v1/jobs/{posted['id']}{path}").status_code == 404
        assert server.delete(f"/v1/jobs/{posted['id']}").status_code == 404
        slow.go.set()
        wait_until(lambda: engine.in_work == 0 and engine._turns._free == engine._turns._room)
        assert server.app.state.jobs.held == 0
    (line,) = [record.facts for record in caplog.records if record.getMessage() == "job"]  # type: ignore[attr-defined]
    assert (line["state"], line["pictures"], posted["id"] in json.dumps(line)) == ("cancelled", 3, False)


def test_nothing_is_left_when_its_time_is_up() -> None:
    with client(keep_jobs=2) as server:
        posted = post(server, png())
        assert ended(server, posted)["state"] == "done"
        assert server.app.state.jobs.held > 0
        for _ in range(5):  # to ask for a job that has ended does not keep it
            server.get(f"/v1/jobs/{posted['id']}")
            time.sleep(0.5)
        assert server.get(f"/v1/jobs/{posted['id']}/result").status_code == 404
        assert server.app.state.jobs.held == 0
        assert 'chromseg_jobs_total{state="expired"} 1.0' in server.get("/metrics").text


def test_a_job_that_nobody_asks_for_is_ended(slow: SlowPredictor) -> None:
    with client(MemorySource(slow.predictor()), keep_jobs=2) as server:
        asked_for, left = post(server, png()), post(server, png())
        for _ in range(8):  # a busy machine may pause for some of the 2 s
            time.sleep(0.3)
            assert server.get(f"/v1/jobs/{asked_for['id']}").status_code == 200
        assert server.get(f"/v1/jobs/{left['id']}").status_code == 404
        slow.go.set()


def test_a_job_that_is_ending_is_not_here_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with client(keep_jobs=0.1) as server:
        ending, go = threading.Event(), threading.Event()

        async def segment(*arguments: Any) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ending.set()
                while not go.is_set():
                    await asyncio.sleep(0.01)

        monkeypatch.setattr(server.app.state.engine, "segment", segment)
        posted = post(server, png())
        assert ending.wait(20)
        answer = server.get(f"/v1/jobs/{posted['id']}")
        go.set()
    assert answer.status_code == 404


def test_a_job_is_its_clients_alone(tmp_path: Path) -> None:
    (mine, first), (other, second) = new_key("mine"), new_key("other")
    (tmp_path / "keys").write_text(f"{first}\n{second}\n", encoding="utf-8")
    with client(api_keys=str(tmp_path / "keys")) as server:
        key, foreign = {"X-API-Key": mine}, {"X-API-Key": other}
        posted = post(server, png(), headers=key)
        path = f"/v1/jobs/{posted['id']}"
        assert server.get(path).status_code == 401
        unknown = server.get(f"/v1/jobs/{'0' * 8}-{'x' * 32}", headers=foreign)
        for refused in (
            server.get(path, headers=foreign),
            server.get(f"{path}/result", headers=foreign),
            server.delete(path, headers=foreign),
        ):
            assert refused.status_code == unknown.status_code == 404
            assert refused.json()["error"]["got"] == unknown.json()["error"]["got"]
        assert server.get(path, headers=key).status_code == 200


@pytest.mark.parametrize("name", ["x", "..%2f..%2fkeys", f"{'0' * 8}-{'x' * 32}", f"{'f' * 8}-../{'x' * 29}"])
def test_an_id_that_is_none_is_not_found(server: TestClient, name: str) -> None:
    assert server.get(f"/v1/jobs/{name}").status_code == 404


def test_a_client_has_half_of_the_jobs_and_is_told_when_to_come_back(slow: SlowPredictor, tmp_path: Path) -> None:
    keys = dict(new_key(name) for name in ("a", "b", "c"))
    (tmp_path / "keys").write_text("\n".join(keys.values()), encoding="utf-8")
    a, b, c = ({"X-API-Key": key} for key in keys)
    with client(MemorySource(slow.predictor()), jobs=4, api_keys=str(tmp_path / "keys")) as server:
        kept = [post(server, png(), headers=a) for _ in range(2)]
        refused = server.post("/v1/jobs", content=png(), headers=a)
        assert (refused.status_code, "2 jobs" in refused.text) == (429, True)
        assert int(refused.headers["retry-after"]) >= 1
        for _ in range(2):
            post(server, png(), headers=b)
        full = server.post("/v1/jobs", content=png(), headers=c)
        assert (full.status_code, full.json()["error"]["kind"]) == (503, "busy")
        server.delete(f"/v1/jobs/{kept[0]['id']}", headers=a)
        post(server, png(), headers=c)
        slow.go.set()


def test_bytes_of_jobs_are_bounded(slow: SlowPredictor) -> None:
    content = png()
    with client(MemorySource(slow.predictor()), max_body=len(content)) as server:
        answers = [server.post("/v1/jobs", content=content) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [202] * 4 + [503] * 2
        assert server.app.state.jobs.held == 4 * len(content)
        slow.go.set()


def test_a_result_there_is_no_room_for_fails_its_job_alone() -> None:
    with client(max_body=60_000) as server:
        everything = {"include": "picture,outlines,crops,crossings"}
        posted, states = [], []
        for _ in range(12):
            posted.append(post(server, png(), params=everything))
            states.append(ended(server, posted[-1])["state"])
        assert states[0] == "done" and states[-1] == "failed"
        result = server.get(f"/v1/jobs/{posted[-1]['id']}/result")
        assert (result.status_code, result.json()["error"]["kind"]) == (413, "too-large")
        assert server.app.state.jobs.held <= 8 * 60_000


def test_the_results_of_one_job_leave_half_of_the_room_to_others() -> None:
    with client(max_body=40_000) as server:
        posted = post(server, *[png(format="JPEG")] * 8, params={"include": "picture,outlines,crops,crossings"})
        ended(server, posted)
        results = server.get(f"/v1/jobs/{posted['id']}/result").json()["results"]
        assert {one["status"] for one in results} == {200, 413}
        assert server.app.state.jobs.held <= 4 * 40_000


def test_the_end_of_the_server_ends_its_jobs(slow: SlowPredictor) -> None:
    """Pictures that wait are not worked on any more."""
    with running_server(source=MemorySource(slow.predictor())) as url:
        for _ in range(2):
            request = urllib.request.Request(f"{url}/v1/jobs", png(), method="POST")
            assert urllib.request.urlopen(request).status == 202
        assert slow.started.wait(20)
        threading.Timer(1.0, slow.go.set).start()
        start = time.monotonic()
    assert time.monotonic() - start < 10


def test_a_bug_fails_its_job_and_no_other(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with client() as server:
        engine = server.app.state.engine
        whole = engine.segment

        async def broken(content: bytes, *more: Any, **options: Any) -> Any:
            if content == BLANK:
                raise ZeroDivisionError("secret")
            return await whole(content, *more, **options)

        monkeypatch.setattr(engine, "segment", broken)
        failed, good = post(server, png(), BLANK), post(server, png())
        last = ended(server, failed)
        assert (last["state"], last["error"]["kind"], "secret" in str(last)) == ("failed", "failed", False)
        assert ended(server, good)["state"] == "done"
        kept = server.app.state.jobs
        assert kept._jobs[failed["id"]].pictures == [None, None]
        assert kept.held == len(server.get(f"/v1/jobs/{good['id']}/result").content)
    assert "bug" in caplog.messages


def test_an_error_that_is_kept_holds_no_picture(slow: SlowPredictor) -> None:
    with client(MemorySource(slow.predictor()), timeout=0.1) as server:
        posted = post(server, png())
        assert ended(server, posted)["error"]["kind"] == "timeout"
        kept = server.app.state.jobs._jobs[posted["id"]].answer
        assert (kept.__cause__, kept.__context__, kept.__traceback__) == (None, None, None)
        slow.go.set()


def test_every_worker_knows_the_jobs_of_all(tmp_path: Path) -> None:
    with client(shared=str(tmp_path)) as first, client(shared=str(tmp_path)) as second:
        posted = post(first, png())
        assert ended(second, posted)["state"] == "done"
        results = [one.get(f"/v1/jobs/{posted['id']}/result") for one in (first, second)]
        assert results[0].content == results[1].content
        assert results[0].headers["x-image-sha256"] == results[1].headers["x-image-sha256"]
        refused = post(first, BLANK)
        assert ended(second, refused)["error"]["failures"]
        answer = second.get(f"/v1/jobs/{refused['id']}/result")
        assert (answer.status_code, answer.json()["error"]["request_id"]) == (422, answer.headers["x-request-id"])
        assert second.delete(f"/v1/jobs/{posted['id']}").status_code == 204
        assert first.get(f"/v1/jobs/{posted['id']}").status_code == 404
        assert [path.stat().st_size for path in tmp_path.iterdir()] == [0, 0], "but sockets"
        lost = post(second, png())
        second_ended = lost
    with client(shared=str(tmp_path)) as third:
        answer = third.get(f"/v1/jobs/{second_ended['id']}")
        assert (answer.status_code, "worker" in answer.text) == (404, True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FileNotFoundError, 404),
        (ConnectionRefusedError, 404),
        (ConnectionResetError, 404),
        (OSError, 503),
        (TimeoutError, 503),
    ],
)
def test_only_a_worker_that_is_gone_has_no_jobs(
    error: type[OSError], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(socket: Path, **question: str) -> relay.Reply:
        raise error

    monkeypatch.setattr(relay, "ask", failing)
    with client(shared=str(tmp_path)) as server:
        answer = server.get(f"/v1/jobs/{'0' * 8}-{'x' * 32}")
    assert (answer.status_code, "retry-after" in answer.headers) == (status, status == 503)


@pytest.mark.parametrize(("what", "count"), [("state", 32), ("cancel", 32), ("result", 4)])
def test_few_questions_to_other_workers_are_asked_at_a_time(
    what: jobs.Verb, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_now: list[int] = []
    most = 0

    async def ask(socket: Path, **question: str) -> relay.Reply:
        nonlocal most
        open_now.append(1)
        most = max(most, len(open_now))
        await asyncio.sleep(0)
        open_now.pop()
        return relay.Reply(204)

    async def scenario() -> None:
        asked = jobs.Jobs(SimpleNamespace(settings=settings(shared="."), metrics=None))  # type: ignore[arg-type]
        await asyncio.gather(*(asked.ask(what, f"{'0' * 8}-{'x' * 32}", "a") for _ in range(100)))

    monkeypatch.setattr(relay, "ask", ask)
    asyncio.run(scenario())
    assert most == count


@pytest.mark.parametrize("size", [0, 1000, 2**18, 2**20 + 1])
def test_a_long_result_is_sent_in_pieces(size: int) -> None:
    body, sent = bytes(range(256)) * (size // 256) + b"x" * (size % 256), []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def scenario() -> None:
        scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}}
        answer = response_of(relay.Reply(200, {"content-length": str(size), "x-model-version": "7"}, body))
        await answer(scope, lambda: asyncio.sleep(60), send)  # type: ignore[arg-type]

    asyncio.run(scenario())
    assert sent[0]["headers"] == [(b"content-length", str(size).encode()), (b"x-model-version", b"7")]
    assert b"".join(message["body"] for message in sent[1:]) == body
    assert max(len(message["body"]) for message in sent[1:]) <= 2**18


@pytest.mark.parametrize("cut", [0, 5, -4, -1])
def test_an_answer_that_is_cut_off_is_not_taken_for_whole(cut: int, tmp_path: Path) -> None:
    async def asked(path: Path) -> relay.Reply:
        async with relay.answering(path, lambda **question: relay.Reply(200, {}, b"whole")):
            return await relay.ask(path)

    async def cutting(path: Path) -> relay.Reply:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(said[:cut])
            writer.close()

        async with await asyncio.start_unix_server(serve, path):
            return await relay.ask(path)

    async def recorded(path: Path) -> bytes:
        async with relay.answering(path, lambda **question: relay.Reply(200, {}, b"whole")):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"{}\n")
            everything = await reader.read()
            writer.close()
            return everything

    assert asyncio.run(asked(tmp_path / "a")) == relay.Reply(200, {}, b"whole")
    said = asyncio.run(recorded(tmp_path / "b"))
    with pytest.raises(ConnectionResetError):
        asyncio.run(cutting(tmp_path / "c"))


@pytest.mark.slow
def test_with_two_workers_a_job_is_found_by_both_and_no_picture_lies_on_the_disk(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(tempfile.mkdtemp())  # with a short name
    monkeypatch.setenv("TMPDIR", str(folder))
    with started("--model", make_model(), "--splicers", 0, "--workers", 2) as (_, url), Client(url) as server:
        result = server.submit(png()).result(wait=60)
        assert result["annotations"] == server.segment(png())["annotations"]
        for _ in range(8):  # over connections of their own, which chance gives to either worker
            with Client(url) as other:
                job = other.submit(png(), png())
                with Client(url) as third:
                    assert third.job(job.id).state()["pictures"] == 2
                assert [one["status"] for one in job.result(wait=60)["results"]] == [200, 200]
                job.cancel()
        server.submit(*[png()] * 60)
        written = [path for path in folder.rglob("*") if path.is_file()]
        assert all(path.suffix == ".db" for path in written), "metrics alone"
        end = time.monotonic()
    assert time.monotonic() - end < 20, "the end waits for no job"
    folder.rmdir()  # where nothing is left
