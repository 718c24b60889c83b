"""The server as a process: it starts, says why not, ends without losing a request, and replaces workers that die."""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
from serving_app import png, running_server
from typer.testing import CliRunner

from chromseg.cli.app import app
from chromseg.errors import OutputError
from chromseg.serving import supervisor as supervising
from chromseg.serving.keys import read_keys
from chromseg.serving.settings import ServeSettings
from chromseg.serving.supervisor import Supervisor
from chromseg.serving.worker import run_app


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A `chromseg-ops serve` on a free port that is ready, and its URL."""
    code = "from chromseg.cli.app import main; main()"
    words = [sys.executable, "-c", code, "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines: list[str] = []
            url = ""
            while not url:
                lines.append(process.stderr.readline())
                assert lines[-1], f"it ended: {lines}"
                if " on http://" in lines[-1]:
                    url = lines[-1].split()[2]
            threading.Thread(target=process.stderr.read, daemon=True).start()
            wait_until(lambda: status_of(f"{url}/readyz") == 200)
            yield process, url
        finally:
            process.terminate()
            process.wait(120)


def status_of(url: str, content: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(url, content, timeout=240) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_until(done: Callable[[], Any], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


@pytest.mark.slow
def test_it_ends_with_every_request_answered(make_model: Callable[..., Path]) -> None:
    statuses: list[int] = []
    with started("--model", make_model(), "--splicers", 1) as (process, url):
        assert status_of(f"{url}/v1/segment", png()) == 200
        threads = [
            threading.Thread(target=lambda: statuses.append(status_of(f"{url}/v1/segment", png()))) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(240)
        assert process.wait(240) == 0
    assert statuses == [200] * 12
    assert status_of(f"{url}/livez") == 0


class Regular(threading.Thread):
    """A client that asks again and again over one connection, as long as the server does not say that it ends."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url, self.answers, self.lost = url, 0, ""
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._url.removeprefix("http://"), timeout=60)
        while not self.lost:
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                while connection.sock is not None:  # which http.client closes when it is told to
                    connection.request("GET", "/v1/settings")
                    assert connection.getresponse().read()
                    self.answers += 1
            except (OSError, http.client.HTTPException) as error:
                self.lost = repr(error)


def test_clients_are_told_that_it_ends() -> None:
    with running_server(grace=0.5) as url:
        clients = [Regular(url) for _ in range(4)]
        wait_until(lambda: all(one.answers for one in clients))
    for one in clients:
        one.join(20)
    assert [one.lost for one in clients] == [""] * 4


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_without_cutting_anyone_off(make_model: Callable[..., Path], workers: int) -> None:
    with started("--model", make_model(), "--splicers", 0, "--workers", workers) as (process, url):
        clients = [Regular(url) for _ in range(6)]
        wait_until(lambda: all(one.answers > 20 for one in clients))
        process.send_signal(signal.SIGTERM)
        for one in clients:
            one.join(60)
        assert process.wait(60) == 0
    assert [one.lost for one in clients] == [""] * 6


@pytest.mark.slow
def test_a_killed_worker_is_replaced(make_model: Callable[..., Path]) -> None:
    with started("--model", make_model(), "--splicers", 0, "--workers", 2) as (process, url):
        workers = children_of(process.pid)
        assert len(workers) == 2
        workers[0].kill()
        wait_until(lambda: workers[0].pid not in {one.pid for one in children_of(process.pid)})
        for _ in range(10):
            assert status_of(f"{url}/v1/segment", png()) == 200
        wait_until(lambda: len(children_of(process.pid)) == 2)
        with urllib.request.urlopen(f"{url}/metrics") as answer:  # of all workers together, the dead one included
            text = answer.read().decode()
        assert 'chromseg_requests_total{route="/v1/segment",status="200"} 10.0' in text


@pytest.mark.slow
def test_workers_end_with_a_killed_supervisor(make_model: Callable[..., Path]) -> None:
    with started("--model", make_model(), "--splicers", 1, "--workers", 2) as (process, url):
        everyone = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs(everyone, timeout=60)
        assert alive == []
        assert status_of(f"{url}/livez") == 0


class Worker:
    """Stands for a worker process: living or dead by fiat."""

    def __init__(self, serves: bool, alive: bool = False) -> None:
        self.heard, self.bell = multiprocessing.Pipe(duplex=False)
        self.sentinel, self.pid, self.exitcode = self.heard.fileno(), 0, -9
        self.serves, self.alive = multiprocessing.Event(), alive
        if serves:
            self.serves.set()
        if not alive:
            self.bell.close()

    def is_alive(self) -> bool:
        return self.alive

    def terminate(self) -> None:
        self.alive = False

    def join(self, timeout: float | None = None) -> None:
        assert not self.alive


@contextmanager
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *workers: Worker) -> Iterator[Supervisor]:
    """One that starts these workers in turn, two at a time."""
    monkeypatch.setattr(supervising, "_PAUSE", 0.01)
    coming = iter(workers)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Supervisor(ServeSettings(workers=2), listening, tmp_path)

        def start() -> None:
            worker: Any = next(coming)
            made._workers.append(supervising._Worker(worker, worker.serves))

        monkeypatch.setattr(made, "_start", start)
        try:
            yield made
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def test_workers_that_never_serve_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = [Worker(serves=False) for _ in range(10)]
    with supervisor(tmp_path, monkeypatch, *workers) as made, pytest.raises(OutputError, match="workers in a row"):
        made.run()


def test_while_one_serves_others_are_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = [Worker(serves=True, alive=True), Worker(serves=True, alive=True)]
    with supervisor(tmp_path, monkeypatch, good[0], *(Worker(serves=False) for _ in range(5)), good[1]) as made:
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
        made.run()
        assert [worker.process for worker in made._workers] == good


def test_told_to_end_while_a_worker_is_replaced_it_ends_that_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = [Worker(serves=True, alive=True), Worker(serves=True), Worker(serves=False, alive=True)]
    with supervisor(tmp_path, monkeypatch, *workers) as made:
        start, calls = made._start, count(1)

        def start_and_be_told() -> None:
            if next(calls) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            start()

        monkeypatch.setattr(made, "_start", start_and_be_told)
        made.run()
    assert not any(worker.alive for worker in workers)


def test_an_application_that_does_not_start_is_told_as_one_error() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no processes"})

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(OutputError, match="did not start"):
            run_app(ServeSettings(), broken, listening, lambda: pytest.fail("it is not ready"))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def children_of(pid: int) -> list[psutil.Process]:
    """Living worker processes, without multiprocessing's own helper."""
    found = []
    for one in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):  # dead, and not buried yet
            if "resource_tracker" not in " ".join(one.cmdline()):
                found.append(one)
    return found


def test_what_keeps_it_from_starting_is_one_line(make_model: Callable[..., Path], store: Path) -> None:
    invoke = CliRunner().invoke
    model = str(make_model())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words, told in (
            (["--model", model, "--port", port], "cannot listen on 127.0.0.1"),
            (["--model", "models:/nobody@champion", "--port", "0"], "no registered model 'nobody'"),
            (["--model", "no/folder", "--port", "0"], "no model folder"),
            (["--model", model, "--host", "0.0.0.0", "--port", "0"], "--allow-anonymous"),
            (["--model", model, "--api-keys", "nothing", "--port", "0"], "nothing cannot be read"),
            (["--model", model, "--api-keys", "nothing", "--port", "0", "--workers", "2"], "nothing cannot be read"),
            (["--model", model, "--device", "cuda:99", "--port", "0"], "--device cuda:99; expected cpu"),
            (["--model", model, "--device", "toaster", "--port", "0", "--workers", "2"], "--device toaster"),
        ):
            refused = invoke(app, ["serve", *words])
            assert refused.exit_code == 1
            (line,) = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
            assert told in line


def test_a_long_name_of_the_temporary_folder_is_one_line_too(
    make_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("x" * 60) / ("y" * 30)))
    Path(tempfile.gettempdir()).mkdir(parents=True)
    refused = CliRunner().invoke(app, ["serve", "--model", str(make_model()), "--port", "0", "--workers", "2"])
    assert (refused.exit_code, "TMPDIR" in refused.stderr) == (1, True)


def test_a_new_key_is_a_line_for_the_file(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["serve", "--new-key", "page"])
    assert made.exit_code == 0
    (tmp_path / "keys").write_text(made.stdout, encoding="utf-8")
    key = made.stderr.split()[-1]
    assert read_keys(tmp_path / "keys").owner_of(key) == "page"
    assert read_keys(tmp_path / "keys").owner_of("other") is None


def test_a_settings_object_survives_the_way_to_a_worker() -> None:
    settings = ServeSettings(allow_hosts=("a",), corrections="x")
    assert pickle.loads(pickle.dumps(settings)) == settings
