"""Joining a cluster, or starting one of this machine alone."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromseg.cores import usable_cores
from chromseg.errors import ConfigError

LOCAL, AUTO = "local", "auto"
_ANSWER = 10.0  # seconds within which a head answers


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Use a cluster within the block.

    Args:
        address: "local" starts one of this machine's cores, and ends it afterwards; "auto" or `HOST:PORT` joins one.

    Raises:
        ConfigError: There is no such cluster, or it has another Ray or Python.
    """
    if address not in (LOCAL, AUTO):
        _knock(address)
    import ray
    from ray.data import DataContext

    own = {"num_cpus": usable_cores(), "include_dashboard": False} if address == LOCAL else {}
    try:
        with _hushed():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except Exception as error:  # it raises what it likes, even this
        ray.shutdown()
        raise _unusable(address, error) from error
    try:
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.raise_original_map_exception = True
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # its errors are raised as well
        yield
    finally:
        ray.shutdown()


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep stderr from the part of Ray that is not Python, which says how loud it will be; errors are raised."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _knock(address: str) -> None:
    """See that somebody listens: Ray itself would try for minutes, and say so on its own."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER).close()
    except (OSError, ValueError) as error:
        raise _unusable(address, error) from error


def _unusable(address: str, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split())
    if "mismatch" in reason.lower():
        return ConfigError(
            f"--ray {address}: {reason[:300]}",
            expected="the Ray and the Python of this environment on every node",
            remedy="install chromseg-ops[cluster] from one lock file everywhere (deploy/Containerfile)",
        )
    return ConfigError(
        f"--ray {address} cannot be reached ({reason[:200]})",
        expected="`local`, `auto` on a node of a cluster, or HOST:PORT of its head",
        remedy="check the address and that the head runs (`ray status`)",
    )


def chosen_device(wanted: str) -> str:
    """Where the networks of the cluster that is joined run: "auto" is on GPUs if a node has one.

    Raises:
        ConfigError: A GPU is wanted and no node has one.
    """
    import ray

    gpus = ray.cluster_resources().get("GPU", 0)
    if wanted == "cuda" and not gpus:
        raise ConfigError(
            "--device cuda", expected="cpu: no node of the cluster has a GPU", remedy="start nodes with GPUs"
        )
    return "cuda" if gpus and wanted != "cpu" else "cpu"
