"""Steps as tasks of a Ray cluster, in a working tree that all its nodes share."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from chromseg.cohort.start import connected
from chromseg.errors import ConfigError
from chromseg.project import sqlite_path, tracking_uri
from chromseg.sweep.command import run_step
from chromseg.sweep.plan import Step

_RETRIES = 2  # of a step whose node was lost; it goes on from its checkpoint
_STOPPING = 90.0  # seconds that all at work have to write their checkpoints, when the sweep is stopped


@contextmanager
def ray_hands(address: str, tree: Path, environment: Mapping[str, str], cores: int | None) -> Iterator[RayHands]:
    """Run steps on a cluster within the block; what is at work at its end is stopped.

    Args:
        address: As `connected` takes it.
        tree: Top folder of the project, absolute.
        environment: Variables for the commands.
        cores: Of a step; None for one, or where there are GPUs for as many as there are cores to a GPU.

    Raises:
        ConfigError: The cluster cannot be used, its nodes do not share the project, or cannot share the store.
    """
    with connected(address):
        _check_store()
        check_tree(tree)
        hands = RayHands(environment, needs_of_training(cores))
        try:
            yield hands
        finally:
            hands.stop()


@dataclass
class RayHands:
    """Runs them on the cluster that this process is connected to; `Hands`.

    Attributes:
        environment: Variables for their commands.
        needs: What a training takes of a node; other steps take a core.
    """

    environment: Mapping[str, str]
    needs: Mapping[str, float]
    _at_work: dict[Any, Step] = field(default_factory=dict)

    def give(self, step: Step, log: Path) -> None:
        """As of `Hands`."""
        needs = self.needs if step.trains else {"num_cpus": 1}
        task = ray.remote(run_step).options(**needs, max_retries=_RETRIES, name=step.name)
        self._at_work[task.remote(step, log, self.environment)] = step

    def take(self) -> tuple[Step, str]:
        """As of `Hands`."""
        (first,), _ = ray.wait(list(self._at_work), num_returns=1)
        step = self._at_work.pop(first)
        try:
            return step, str(ray.get(first))
        except RayTaskError as error:
            return step, f"{type(error.cause).__name__} on its node: {error.cause}"
        except RayError as error:
            return step, f"its node was lost, or had too little memory ({type(error).__name__})"

    def stop(self) -> None:
        """End what is at work."""
        for task in self._at_work:
            ray.cancel(task)
        if self._at_work:
            ray.wait(list(self._at_work), num_returns=len(self._at_work), timeout=_STOPPING)


def needs_of_training(cores: int | None) -> dict[str, float]:
    """What a training takes of a node: a GPU where there are some, and its share of the cores, or `cores`."""
    resources = ray.cluster_resources()
    gpus, all_cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
    if not gpus:
        return {"num_cpus": cores or 1}
    return {"num_cpus": cores or max(1, all_cores // gpus), "num_gpus": 1}


def _check_store() -> None:
    """A SQLite file is for one machine: its locks do not hold across a network."""
    machines = {node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
    if sqlite_path(tracking_uri()) is not None and machines - {platform.node()}:
        raise ConfigError(
            f"the store is the file {tracking_uri()}, and the cluster has other machines",
            expected="an MLflow server that all nodes reach",
            remedy="start one (deploy/compose.yaml) and set MLFLOW_TRACKING_URI to its address",
        )


def check_tree(tree: Path) -> None:
    """A file that is made here must be there on every node.

    Raises:
        ConfigError: It is not.
    """
    with tempfile.NamedTemporaryFile(dir=tree, prefix=".sweep.tmp-") as token:
        looks = {
            node["NodeManagerHostname"]: ray.remote(_has)
            .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
            .remote(token.name)
            for node in ray.nodes()
            if node["Alive"]
        }
        lacking = [name for name, look in looks.items() if not ray.get(look)]
    if lacking:
        raise ConfigError(
            f"no {tree}, as it is here, on {', '.join(sorted(lacking))} of the cluster",
            expected="the project on a disk that all nodes share, under the same path",
            remedy="put it on one, or leave --ray out",
        )


def _has(path: str) -> bool:
    return Path(path).is_file()
