"""Which samples make up which batch, in which process."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm  # type: ignore[import-untyped]

from chromseg.training.epochs import EpochSet
from chromseg.training.run import Run
from chromseg.training.task import Batch


def epoch_batches(run: Run, dataset: EpochSet) -> list[list[int]]:
    """This process's indices of each batch of an epoch; several processes fill the last batch up from the first."""
    size, processes = run.config.optim.batch_size, run.accelerator.num_processes
    order = list(range(len(dataset)))
    order += order[: -len(order) % processes]
    whole = [order[start : start + size] for start in range(0, len(order), size)]
    return [batch[run.accelerator.process_index :: processes] for batch in whole]


def load_batches(run: Run, dataset: EpochSet, batches: list[list[int]]) -> DataLoader[Batch]:
    """The batches of these indices, in order.

    The loader draws a seed for its workers, which nothing here uses. It draws from a generator of its own: from the
    global one, a resumed epoch would go on with other random numbers than the same epoch uninterrupted.
    """
    on_gpu = run.accelerator.device.type == "cuda"
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=run.config.hardware.workers,
        pin_memory=on_gpu,
        collate_fn=run.task.collate,
        generator=torch.Generator(),
    )


def with_bar(run: Run, loader: DataLoader[Batch], total: int) -> Iterable[Batch]:
    """The same batches, with a progress bar on stderr if that is a terminal."""
    title = f"epoch {run.progress.epoch + 1}/{run.config.optim.epochs}"
    hidden = None if run.accelerator.is_main_process else True  # None: tqdm asks whether it is a terminal
    bar: Iterable[Batch] = tqdm(loader, desc=title, initial=run.progress.step, total=total, leave=False, disable=hidden)
    return bar
