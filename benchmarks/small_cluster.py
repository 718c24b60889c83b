"""A Ray cluster of processes on this machine: a head for the driver, and nodes that can be taken away.

Run as a program it holds the nodes, so that Ray has a process of its own: it reads its settings when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

_ROOT = Path(__file__).parents[1]
_START = 600  # seconds: a busy machine
PATIENT = {  # variables with which Ray starts on a busy machine
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_server_port_wait_time_s": f"{_START}",
    "RAY_raylet_start_wait_time_s": "60",
    "RAY_worker_register_timeout_seconds": f"{_START}",
    "RAY_agent_register_timeout_ms": f"{_START * 1000}",
    "RAY_worker_niceness": "0",  # else workers wait behind whatever else runs here
    "RAY_health_check_timeout_ms": "60000",  # a slow node is not a dead one
    "RAY_health_check_period_ms": "1000",
}


class SmallCluster:
    """A cluster as long as its process runs.

    Attributes:
        address: Of its head.
        nodes: Raylets of its nodes but the head, by the names that Ray gives nodes.
        head: The head's raylet.
    """

    def __init__(self, holder: subprocess.Popen[str]) -> None:
        self._holder = holder
        self.address = ""
        self.nodes: dict[str, int] = {}
        self.head = 0
        self.read()

    def read(self) -> None:
        """See how it is after a change.

        Raises:
            ChildProcessError: It has ended.
        """
        assert self._holder.stdout
        line = self._holder.stdout.readline()
        if not line:
            raise ChildProcessError(f"the cluster ended: {self._holder.wait()}")
        said: dict[str, Any] = json.loads(line)
        self.address, self.nodes, self.head = said["address"], said["nodes"], said["head"]

    def lose(self, node: str) -> None:
        """Take a node away at once, with all that works there."""
        assert self._holder.stdin
        workers = psutil.Process(self.nodes[node]).children(recursive=True)
        print("lose", node, file=self._holder.stdin, flush=True)
        self.read()
        for worker in workers:
            kill(worker.pid)

    def add(self) -> None:
        """Add a node like the others."""
        assert self._holder.stdin
        print("add", file=self._holder.stdin, flush=True)
        self.read()

    def workers(self, name: str) -> list[int]:
        """Processes of the cluster that Ray calls so, such as "Segmenter"."""
        raylets = [psutil.Process(raylet) for raylet in (self.head, *self.nodes.values())]
        below = [process for raylet in raylets for process in raylet.children(recursive=True)]
        return [process.pid for process in below if name in _command(process)]


@contextmanager
def small_cluster(nodes: int) -> Iterator[SmallCluster]:
    """Start one of so many nodes, of one core each, with its head; it ends with the block.

    Ray gives up a node that does not start in half a minute: on a busy machine the cluster is begun again.
    """
    last = time.monotonic() + _START
    while True:
        with (
            tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as place,
            _holder(nodes, place) as holder,
        ):
            try:
                cluster = SmallCluster(holder)
            except ChildProcessError:
                if time.monotonic() > last:
                    raise
                continue
            yield cluster
            return


def _holder(nodes: int, place: str) -> subprocess.Popen[str]:
    """This file as a program; the end of its input ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.small_cluster", str(nodes)],
        env=PATIENT | os.environ | {"RAY_TMPDIR": place},
        cwd=_ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def _command(process: psutil.Process) -> str:
    """Its command line; "" of one that has just died."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def kill(process: int) -> bool:
    """End a process as a machine without memory does; gives whether it still lived."""
    try:
        psutil.Process(process).kill()
    except psutil.NoSuchProcess:
        return False
    return True


def main() -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(True, head_node_args=_node() | {"include_dashboard": False, "no_monitor": True})
    for _ in range(int(sys.argv[1]) - 1):
        cluster.add_node(wait=False, **_node())
    cluster.wait_for_nodes(_START)
    _tell(cluster)
    for line in sys.stdin:
        what, *names = line.split()
        for node in [each for each in cluster.worker_nodes if each.node_id in names]:
            cluster.remove_node(node, allow_graceful=False)
        if what == "add":
            cluster.add_node(wait=False, **_node())
            cluster.wait_for_nodes(_START)
        _tell(cluster)
    cluster.shutdown()


def _tell(cluster: Any) -> None:
    nodes = {each.node_id: _raylet(each) for each in cluster.worker_nodes}
    said = {"address": cluster.address, "nodes": nodes, "head": _raylet(cluster.head_node)}
    print(json.dumps(said), flush=True)


def _node() -> dict[str, Any]:
    return {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_log_monitor": False}


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


if __name__ == "__main__":
    main()
