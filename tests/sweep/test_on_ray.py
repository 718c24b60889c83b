"""A sweep on a cluster of several nodes, each a process: side by side, killed and started again."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from small_pipeline import begun, dvc, vary

from benchmarks.small_cluster import SmallCluster, small_cluster
from chromseg.errors import ConfigError
from chromseg.sweep import on_ray

_PATIENCE = 900  # seconds: a busy machine


def start(cluster: SmallCluster) -> subprocess.Popen[str]:
    program = Path(sys.executable).with_name("chromseg-ops")
    command = [program, "runs", "sweep", "--ray", cluster.address]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait(happened: Callable[[], bool]) -> None:
    last = time.monotonic() + _PATIENCE
    while not happened():
        assert time.monotonic() < last, "it hangs"
        time.sleep(0.2)


@pytest.mark.slow
def test_a_sweep_that_was_killed_goes_on_where_it_was(pipeline: Path) -> None:
    vary(pipeline, b="slow")
    with small_cluster(2) as cluster:
        killed = start(cluster)
        lock, slow = pipeline / "dvc.lock", pipeline / "slow"
        wait(
            lambda: (
                (slow.is_file() and lock.is_file() and "evaluate@a-0" in lock.read_text()) or killed.poll() is not None
            )
        )
        assert killed.poll() is None, killed.communicate()
        killed.kill()
        killed.communicate()
        training = int(slow.read_text())
        wait(lambda: not psutil.pid_exists(training))
        begun(pipeline)
        vary(pipeline)
        told, errors = start(cluster).communicate(timeout=_PATIENCE)
    assert told == "3 done, 3 skipped, 0 failed, 0 left out\n", errors
    assert begun(pipeline) == ["train@b", "evaluate@b", "compare@all"]
    assert "Running stage" not in dvc(pipeline, "repro") and begun(pipeline) == []


class FakeRay:
    """A cluster by its nodes: which of them have what this machine has."""

    def __init__(self, **sharing: bool) -> None:
        self.sharing = sharing

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeManagerHostname": name, "NodeID": name, "Alive": True} for name in self.sharing]

    def remote(self, function: Callable[[str], bool]) -> Any:
        def on(scheduling_strategy: str, **_: int) -> Any:
            return SimpleNamespace(remote=lambda path: self.sharing[scheduling_strategy] and function(path))

        return SimpleNamespace(options=on)

    def get(self, answer: bool) -> bool:
        return answer


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(on_ray, "NodeAffinitySchedulingStrategy", lambda node, soft: node)
    return lambda **sharing: monkeypatch.setattr(on_ray, "ray", FakeRay(**sharing))


def test_nodes_that_do_not_share_the_project_are_named(tmp_path: Path, nodes: Callable[..., None]) -> None:
    nodes(one=True, two=True)
    on_ray.check_tree(tmp_path)
    assert list(tmp_path.iterdir()) == []
    nodes(one=True, two=False, three=False)
    with pytest.raises(ConfigError, match=r"as it is here, on three, two of the cluster; expected .*; put it on one"):
        on_ray.check_tree(tmp_path)


def test_a_store_in_a_file_is_for_one_machine(
    project: Path, nodes: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = platform.node()
    nodes(**{here: True})
    on_ray._check_store()
    nodes(**{here: True, "other": True})
    with pytest.raises(ConfigError, match="expected an MLflow server that all nodes reach"):
        on_ray._check_store()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.lab.example:5000")
    on_ray._check_store()
