"""A training small enough for tests; also a program, which tests kill or start twice."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chromseg.annotations.samples import Sample
from chromseg.config import AugmentConfig, HardwareConfig, LossConfig, ModelConfig, OptimConfig, TrainConfig
from chromseg.training import loop

SIZE = 64


def crossed(name: str, shift: int = 0) -> Sample:
    """Two bars of 9 × 51 pixels that cross at right angles, where transmittance multiplies."""
    row, col = np.mgrid[:SIZE, :SIZE]
    inside = (abs(row - 32) <= 25) & (abs(col - 32) <= 25)
    masks = np.stack([abs(row - 30 - shift) <= 4, abs(col - 30 + shift) <= 4]) & inside
    image = (1 - 0.6 ** masks.sum(axis=0)).astype(np.float32)
    return Sample.from_masks(name, name, "train", "cutout", image, masks)


def tiny_config(epochs: int = 3, *, checkpoint_steps: int = 0, **optim: Any) -> TrainConfig:
    """Four steps an epoch, two images a step, flips only."""
    defaults = {"lr": 1e-2, "epochs": epochs, "steps_per_epoch": 4, "batch_size": 2, "ema": 0.9, "schedule": "cosine"}
    return TrainConfig(
        ModelConfig("region-guided-unetpp", depth=2, width=4),
        crop=SIZE,
        loss=LossConfig(overlap=0.5),
        augment=AugmentConfig(rotation=0.0, flip=True),
        optim=OptimConfig(**(defaults | optim)),
        hardware=HardwareConfig(checkpoint_steps=checkpoint_steps),
    )


def kill_at(step: int) -> None:
    """Have this process killed by SIGKILL when it is about to make this step, counted from 0."""
    make_step, steps = loop._train_step, iter(range(10**6))

    def dying(*arguments: Any) -> dict[str, float]:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return make_step(*arguments)

    loop._train_step = dying


def leave_weights(folder: Path) -> None:
    """Have this process write the parameters it ends with, before the best ones of all epochs replace them."""
    finish = loop.finish_run

    def leaving(run: Any, *arguments: Any) -> Any:
        torch.save(dict(run.network.named_parameters()), folder / f"{run.accelerator.process_index}.pt")
        return finish(run, *arguments)

    loop.finish_run = leaving


def main() -> None:
    """Train, or die trying."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--checkpoint-steps", type=int, default=0)
    parser.add_argument("--weights-of-each", type=Path, help="where each process leaves what it trained")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.kill_at is not None:
        kill_at(arguments.kill_at)
    if arguments.weights_of_each is not None:
        leave_weights(arguments.weights_of_each)
    samples = [crossed("a"), crossed("b", 4)]
    config = tiny_config(checkpoint_steps=arguments.checkpoint_steps)
    loop.fit(config, samples, samples, arguments.folder, seed=0)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
