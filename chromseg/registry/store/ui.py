"""MLflow's web page on the project's store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

from chromseg.errors import RegistryError
from chromseg.project import artifact_folder, tracking_uri
from chromseg.registry.store.descriptions import TRAINING_PAGES
from chromseg.registry.store.store import open_store

HOST = "127.0.0.1"


def serve_ui(port: int, announce: Callable[[str], None]) -> None:
    """Run MLflow's server on this machine's own address until Ctrl-C or SIGTERM; all its processes end with it.

    Args:
        port: TCP port.
        announce: Called with the address before the server starts.

    Raises:
        RegistryError: There is no store, the store is a server with a page of its own, or the port is taken.
    """
    if os.name == "nt":
        raise RegistryError(
            "`chromseg-ops ui` on Windows",
            expected="Linux or macOS, where MLflow's workers end with it",
            remedy=f"run it in WSL, or `mlflow server --backend-store-uri {tracking_uri()}`",
        )
    uri = tracking_uri()
    if uri.startswith(("http://", "https://")):
        raise RegistryError(f"the store {uri} is a server", expected="a local store", remedy="open that address")
    open_store()
    _check_free(port)
    announce(f"http://{HOST}:{port}/#/experiments?{TRAINING_PAGES}")
    for ending in (signal.SIGINT, signal.SIGTERM):  # the former is ignored in a script's background
        signal.signal(ending, signal.default_int_handler)
    with subprocess.Popen(_command(uri, port), env=os.environ | _QUIET, start_new_session=True) as server:
        try:
            code = server.wait()
        except KeyboardInterrupt:
            os.killpg(server.pid, signal.SIGTERM)  # MLflow alone would leave its workers behind
            return
    if code != 0:
        raise RegistryError(
            f"MLflow's server ended with exit code {code}", expected="0", remedy="read its messages above"
        )


_QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def _command(uri: str, port: int) -> list[str]:
    artifacts = artifact_folder(uri).as_uri()
    server = ["-m", "mlflow", "server", "--backend-store-uri", uri, "--default-artifact-root", artifacts]
    return [sys.executable, *server, "--host", HOST, "--port", str(port), "--workers", "1"]


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise RegistryError(
                f"port {port} is taken or not allowed ({error.strerror})",
                expected="a free port",
                remedy="choose another one with --port",
            ) from error
