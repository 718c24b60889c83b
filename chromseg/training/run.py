"""A training in progress: what it consists of, how it starts, is saved and comes back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, set_seed
from torch import Tensor, nn

from chromseg.config import TrainConfig
from chromseg.errors import ConfigError, TrainingError
from chromseg.training.checkpoint import all_finite, load_checkpoint, rng_state, save_checkpoint, set_rng_state
from chromseg.training.initial import initial_network
from chromseg.training.optim import AveragedNetwork, make_optimizer
from chromseg.training.survey import Survey
from chromseg.training.task import TrainingTask
from chromseg.training.tasks import task_of


@dataclass
class Progress:
    """Where a training stands; plain values, so that a checkpoint can hold it.

    Attributes:
        epoch: Epochs done.
        step: Steps done of the epoch after those.
        sums: Sums of that epoch's losses so far.
        best_epoch: Epoch (from 0) with the best score; -1 before the first.
        best_score: Its validation score.
        history: Metrics of each epoch done, with "step".
    """

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    best_epoch: int = -1
    best_score: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Run:
    """All that a training in progress consists of.

    Attributes:
        config: The variant.
        task: What is particular to its kind of network.
        accelerator: Knows device and processes.
        network: The network that trains.
        objective: The same network with its loss, wrapped for distribution and compilation.
        optimizer: Of the network's parameters.
        average: Its averaged weights, if wanted.
        checkpoint: Where the state is saved.
        fingerprint: Of configuration, seed and samples; a checkpoint of another run is refused by it.
        progress: Where it stands.
        best_weights: Those of `progress.best_epoch`, on the CPU.
    """

    config: TrainConfig
    task: TrainingTask
    accelerator: Accelerator
    network: nn.Module
    objective: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedNetwork | None
    checkpoint: Path
    fingerprint: str
    progress: Progress = field(default_factory=Progress)
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept: the averaged one, if there is one."""
        return self.network if self.average is None else self.average.network


def start_training(config: TrainConfig, survey: Survey, checkpoint: Path, *, seed: int) -> Run:
    """A training at its first step, with weights drawn from `seed`.

    Raises:
        ConfigError: The batch size does not divide among the processes, or `init` does not fit.
        ModelError: The architecture is unknown, or there is no model `init`.
    """
    task = task_of(config)
    accelerator = Accelerator()
    if config.optim.batch_size % accelerator.num_processes:
        raise ConfigError(
            f"optim.batch_size {config.optim.batch_size} for {accelerator.num_processes} processes",
            expected="a batch size that divides among them",
            remedy="change the batch size or the number of processes",
        )
    set_seed(seed)
    network = initial_network(config).to(accelerator.device)
    if config.hardware.channels_last:
        network = network.to(memory_format=torch.channels_last)
    objective: nn.Module = task.objective(network, config)
    if config.hardware.compile:
        objective = torch.compile(objective)  # type: ignore[assignment]
    return Run(
        config,
        task,
        accelerator,
        network,
        accelerator.prepare_model(objective),
        make_optimizer(network, config.optim),
        AveragedNetwork(network, config.optim.ema) if config.optim.ema else None,
        checkpoint,
        _fingerprint(config, survey, seed),
    )


def save_run(run: Run) -> None:
    """Write the checkpoint (main process; the others lend their random states and wait).

    Raises:
        TrainingError: A weight is not finite; the former checkpoint stays.
        OutputError: The place cannot be written.
    """
    if not all_finite(run.network.state_dict()):
        raise TrainingError(
            f"weights that are not finite in epoch {run.progress.epoch}, step {run.progress.step}",
            expected="finite weights",
            remedy="lower optim.lr or set optim.clip_norm, then start afresh",
        )
    rng = gather_object([rng_state()])
    if run.accelerator.is_main_process:
        state = {
            "fingerprint": run.fingerprint,
            "network": run.network.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "average": None if run.average is None else run.average.network.state_dict(),
            "progress": dataclasses.asdict(run.progress),
            "best_weights": run.best_weights,
            "rng": rng,
        }
        save_checkpoint(run.checkpoint, state)
    run.accelerator.wait_for_everyone()


def restore_training(run: Run) -> None:
    """Take up the state in the run's checkpoint.

    Raises:
        TrainingError: It is damaged or of another run.
    """
    state = load_checkpoint(run.checkpoint, fingerprint=run.fingerprint)
    run.network.load_state_dict(state["network"])
    run.optimizer.load_state_dict(state["optimizer"])
    if run.average is not None:
        run.average.network.load_state_dict(state["average"])
    run.progress = Progress(**state["progress"])
    run.best_weights = state["best_weights"]
    set_rng_state(state["rng"][run.accelerator.process_index % len(state["rng"])])


def _fingerprint(config: TrainConfig, survey: Survey, seed: int) -> str:
    """All that decides the result; the hardware does not, up to rounding."""
    values = dataclasses.asdict(config)
    del values["hardware"]
    return hashlib.sha256(json.dumps([values, seed, survey.fingerprint]).encode()).hexdigest()
