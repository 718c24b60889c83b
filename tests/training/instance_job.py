"""A detector training small enough for tests; also a program, which tests start twice."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_detector import UCRD

from chromseg.annotations import Sample
from chromseg.boxes import boxes_of
from chromseg.config import AugmentConfig, HardwareConfig, OptimConfig, TrainConfig
from chromseg.training import loop

DETECTOR = dataclasses.replace(UCRD, anchor_sizes=(), anchor_ratios=())  # training fits them


def cell(name: str, shift: int = 0, *, masks: bool = True) -> Sample:
    """Two bars that cross and one alone, 64 × 80; or their boxes alone."""
    shapes = np.zeros((3, 64, 80), dtype=bool)
    shapes[0, 20 + shift : 28 + shift, 6:50] = shapes[1, 4:46, 24:32] = shapes[2, 50:60, 50 : 74 - shift] = True
    image = (1 - 0.5 ** shapes.sum(axis=0)).astype(np.float32)
    if masks:
        return Sample.from_masks(name, name, "train", "metaphase", image, shapes)
    return Sample.from_boxes(name, name, "train", image, boxes_of(shapes).astype(np.float32), np.array([1, 2, 3]))


def detector_config(epochs: int = 2, *, crop: int = 64, checkpoint_steps: int = 0, **optim: Any) -> TrainConfig:
    """Two steps an epoch, two crops a step."""
    defaults = {"optimizer": "adamw", "lr": 3e-3, "epochs": epochs, "steps_per_epoch": 2, "batch_size": 2, "ema": 0.9}
    defaults |= {"patience": 0}
    return TrainConfig(
        DETECTOR,
        samples=("metaphase",),
        crop=crop,
        augment=AugmentConfig(rotation=0.0, flip=True, paste=0.5),
        optim=OptimConfig(**(defaults | optim)),
        hardware=HardwareConfig(checkpoint_steps=checkpoint_steps),
    )


def main() -> None:
    """Train on masks and boxes alone, and leave what this process ends with."""
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    finish = loop.finish_run

    def leaving(run: Any, *arguments: Any) -> Any:
        torch.save(dict(run.network.named_parameters()), folder / f"{run.accelerator.process_index}.pt")
        return finish(run, *arguments)

    loop.finish_run = leaving
    samples = [cell("a"), cell("b", 4, masks=False)]
    loop.fit(detector_config(), samples, samples[:1], folder / "model", seed=0)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
