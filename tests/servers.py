"""A real PostgreSQL, an S3 endpoint and an MLflow server on top of both, on free ports of this machine."""

from __future__ import annotations

import os
import pwd
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

BUCKET = "registry"
S3_KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
_HOOKS = {  # a webhook may go to a plain address of this machine, and sees at once who listens
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "1",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
_PATIENCE = 300  # seconds: a busy machine


@contextmanager
def postgresql() -> Iterator[str]:
    """A fresh cluster with one database; gives its SQLAlchemy address."""
    programs, owner = _postgresql_programs(), _unprivileged()
    home = Path(tempfile.mkdtemp(prefix="chromseg-pg-"))
    data, port = home / "data", free_port()
    try:
        if owner:
            os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync=off"
        _run(*owner, programs / "initdb", "--pgdata", data, "--auth", "trust", "--username", "mlflow", "--no-sync")
        _run(*owner, programs / "pg_ctl", "start", "--wait", "--pgdata", data, "--log", home / "log", "-o", settings)
        _run(*owner, programs / "createdb", "--host", "127.0.0.1", "--port", port, "--username", "mlflow", "mlflow")
        yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/mlflow"
    finally:
        subprocess.run([*owner, programs / "pg_ctl", "stop", "--mode", "immediate", "--pgdata", data], check=False)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def s3_endpoint() -> Iterator[str]:
    """An S3 service with the bucket `BUCKET`; gives its address."""
    import boto3

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _server(command, f"{address}/moto-api/"):
        boto3.client(
            "s3",
            endpoint_url=address,
            aws_access_key_id=S3_KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=S3_KEYS["AWS_SECRET_ACCESS_KEY"],
            region_name=S3_KEYS["AWS_DEFAULT_REGION"],
        ).create_bucket(Bucket=BUCKET)
        yield address


@contextmanager
def mlflow_server(database: str, s3: str) -> Iterator[str]:
    """MLflow's server with two workers; clients reach the artifacts on S3 themselves. Gives its address."""
    port = free_port()
    command = [
        *(sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", database, "--default-artifact-root", f"s3://{BUCKET}/models"),
        *("--no-serve-artifacts", "--workers", "2"),
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    settings = S3_KEYS | quiet | _HOOKS | {"MLFLOW_S3_ENDPOINT_URL": s3}
    with _server(command, f"http://127.0.0.1:{port}/health", settings):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def listener() -> Iterator[tuple[str, queue.Queue[tuple[dict[str, str], bytes]]]]:
    """A server that takes every POST; gives its address, and headers and body of each as they come."""
    received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Take) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
        server.shutdown()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgresql_programs() -> Path:
    """Where initdb and pg_ctl are; Debian keeps them out of the path."""
    on_path = shutil.which("initdb")
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not on_path and not known:
        pytest.fail("PostgreSQL is not installed: run .ci/setup as root, or `apt-get install postgresql`")
    return known[-1].parent if known else Path(str(on_path)).resolve().parent


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root: what to put in front of a command then."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _run(*command: object) -> None:
    answer = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd="/")
    assert answer.returncode == 0, f"{command}: {answer.stdout}{answer.stderr}"


@contextmanager
def _server(command: list[str], address: str, settings: dict[str, str] | None = None) -> Iterator[None]:
    """Start a server, wait until it answers, and end it with its workers."""
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as place:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment | (settings or {}), cwd=place, start_new_session=True
        )
        try:
            _wait(process, address, log)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            with suppress(ProcessLookupError):  # workers that outlive it, too
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: object) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    log.seek(0)  # type: ignore[attr-defined]
    pytest.fail(f"{address} does not answer: {log.read().decode()[-2000:]}")  # type: ignore[attr-defined]
