"""What all stages share: their pipeline, their command line, and how they fail."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chromseg.config import EvaluateConfig, HardwareConfig, TrainConfig, block, parse, read_params
from chromseg.errors import ChromsegError
from chromseg.extras import named_if_missing
from chromseg.project import DEFAULT, Pipeline, checkpoints
from chromseg.registry.lineage.code_state import note_start


@dataclass(frozen=True)
class Profile(Pipeline):
    """A pipeline with what its params.yaml says; every stage runs in the project's top folder."""

    @property
    def params(self) -> dict[str, Any]:
        """Its params.yaml."""
        return read_params(self.params_file)

    @property
    def evaluate(self) -> EvaluateConfig:
        """Its block `evaluate`."""
        return parse(EvaluateConfig, block(self.params, "evaluate"), "evaluate")

    def checkpoint(self, variant: str, seed: int, config: TrainConfig) -> Path:
        """What an interrupted training with these settings goes on from.

        It lies neither in its folder, which DVC clears before a run, nor in the copy of the project in which a queued
        experiment runs. Experiments that run side by side have one each.
        """
        settings = [asdict(replace(config, hardware=HardwareConfig())), self.params.get("prepare")]
        digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:8]
        return checkpoints(self.name) / f"{variant}-{seed}-{digest}.pt"


def stage_arguments(description: str, *, variant: bool = False, datasets: bool = False) -> argparse.Namespace:
    """The command line of a stage: `--profile`, and what else a stage of its kind wants.

    Args:
        description: For `--help`.
        variant: It works on one variant: `--variant`, `--seed`.
        datasets: It may leave some datasets out: `--datasets`.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--profile", default=DEFAULT, help="folder below profiles/; default is the project's own pipeline"
    )
    if variant:
        parser.add_argument("--variant", required=True, help="key of `variants` in the stage's block")
        parser.add_argument("--seed", type=int, default=0, help="seed of weights and random choices")
    if datasets:
        parser.add_argument("--datasets", nargs="+", help="only these of `prepare.datasets`; default all")
    return parser.parse_args()


def run_stage(stage: Callable[[], None]) -> None:
    """Run a stage; an error meant for a user is one line and exit code 1."""
    try:
        note_start()
        with named_if_missing():
            stage()
    except ChromsegError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; run the same command again to go on")
