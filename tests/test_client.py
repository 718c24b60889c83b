"""The client for Python, against a real server."""

from __future__ import annotations

import io
import socket
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent / "serving"))  # serving_app

from serving_app import cell_file, png, running_server

from chromseg.client import AnswerError, Client
from chromseg.errors import InputRefusedError
from chromseg.serving.keys import new_key


def test_a_session(tmp_path: Path) -> None:
    key, line = new_key("lab")
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    with running_server(api_keys=str(tmp_path / "keys")) as url:
        with Client(url, key=key) as server:
            result = server.segment(cell_file(tmp_path), include=["outlines"])
            assert len(result["annotations"]) == 4 and result["annotations"][0]["outline"]
            archive = zipfile.ZipFile(io.BytesIO(server.export(png(), result)))
            assert "chromosomes/004.png" in archive.namelist()
            assert server.model()["name"] == "drawn"
            with pytest.raises(InputRefusedError, match="not-blank"):
                server.segment(png(np.zeros((64, 64), np.uint8)))
            with pytest.raises(AnswerError, match="scale") as caught:
                server.segment(png(), scale=-1)
            assert (caught.value.status, caught.value.kind, len(caught.value.request_id)) == (400, "bad-request", 32)
        with Client(url) as server, pytest.raises(AnswerError, match="no API key"):
            server.model()


def answering(*answers: bytes) -> str:
    """The URL of a server that gives these answers, each over a connection of its own."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listening.getsockname()[1]}"


GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"name": "a"}'


def test_a_busy_server_is_asked_again_and_a_closed_connection_opened_again() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    with Client(answering(busy, GOOD, GOOD), patience=10) as server:
        assert server.model() == server.model() == {"name": "a"}


def test_what_is_no_answer_of_ours_is_said_to_be_none() -> None:
    strange = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"
    with Client(answering(strange)) as server, pytest.raises(AnswerError, match="status 502") as caught:
        server.model()
    assert caught.value.kind == ""


def test_a_job_is_submitted_and_fetched(tmp_path: Path) -> None:
    with running_server() as url, Client(url) as server:
        job = server.submit(cell_file(tmp_path), png(), include=["outlines"])
        results = server.job(job.id).result()["results"]
        assert [len(one["result"]["annotations"]) for one in results] == [4, 4]
        assert results[0]["result"]["annotations"][0]["outline"]
        assert job.state()["done"] == 2
        job.cancel()
        with pytest.raises(AnswerError, match="a job that is not here") as caught:
            job.result()
        assert caught.value.status == 404
        with pytest.raises(InputRefusedError, match="not-blank"):
            server.submit(png(np.zeros((64, 64), np.uint8))).result()
