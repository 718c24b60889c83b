from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from chromseg.cli.app import app

runner = CliRunner()


def test_init_makes_the_store_and_looks_around(project: Path) -> None:
    answer = runner.invoke(app, ["init", "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["state"] == "created"
    assert told["store"] == f"sqlite:///{project}/mlruns/mlflow.db"
    assert {"DVC", "disk", "device"} <= told.keys()
    assert "not in use here" in told["DVC"]
    assert answer.stderr == ""


def test_init_says_it_in_words_and_may_be_repeated(store: Path) -> None:
    answer = runner.invoke(app, ["init"])
    assert answer.exit_code == 0
    assert "state   current\n" in answer.stdout


def test_init_with_the_models_in_the_box(store: Path, make_model: Callable[..., Path]) -> None:
    shutil.copytree(make_model(), store / "bundled" / "chromseg")
    for done in ("registered", "registered before"):
        answer = runner.invoke(app, ["init", "--with-bundled"])
        assert answer.exit_code == 0, answer.output
        assert answer.stdout.endswith(f"\nchromseg/1 {done} (champion)\n")


def test_init_with_an_empty_box_fails(store: Path) -> None:
    answer = runner.invoke(app, ["init", "--with-bundled"])
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "no model in" in answer.stderr


def test_init_refuses_a_full_disk(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    answer = runner.invoke(app, ["init"])
    assert answer.exit_code == 1
    assert "0 MiB free" in answer.stderr


def test_a_damaged_store_is_one_line(store: Path) -> None:
    with closing(sqlite3.connect(store / "mlruns" / "mlflow.db")) as database, database:
        database.execute("DROP TABLE registered_models")
    for verb in (["models", "list"], ["init"]):
        answer = runner.invoke(app, verb)
        assert (answer.exit_code, answer.stdout) == (1, "")
        [line] = answer.stderr.splitlines()
        assert line.startswith("error: the store sqlite:///") and "does not open" in line


def test_ui_needs_a_store_and_a_free_port(project: Path, migrated_store: Path) -> None:
    assert "no store at" in runner.invoke(app, ["ui"]).stderr
    (project / "mlruns").mkdir()
    shutil.copy(migrated_store, project / "mlruns" / "mlflow.db")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = runner.invoke(app, ["ui", "--port", str(taken.getsockname()[1])])
    assert answer.exit_code == 1
    assert "is taken" in answer.stderr


def test_ui_leaves_a_server_to_itself(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "is a server" in runner.invoke(app, ["ui"]).stderr


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_ui_shows_the_store_until_it_is_ended_and_leaves_no_process(store: Path, ended_by: signal.Signals) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from chromseg.cli.app import main; main()", "ui", "--port", str(port)]
    with subprocess.Popen(command, cwd=store, stderr=subprocess.DEVNULL, start_new_session=True) as server:
        try:
            assert _answer(f"http://127.0.0.1:{port}/health", server) == "OK"
            assert "<html" in _answer(f"http://127.0.0.1:{port}/", server).lower()
            started = psutil.Process(server.pid).children(recursive=True)
            assert started
            server.send_signal(ended_by)
            assert server.wait(timeout=60) == 0
            assert not psutil.wait_procs(started, timeout=10)[1]
        finally:
            server.kill()


def _answer(address: str, server: subprocess.Popen[bytes], timeout_s: float = 180) -> str:
    end = time.monotonic() + timeout_s
    while server.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:
                return str(reply.read().decode())
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer from {address}")
