"""The training loop: `fit` runs `train_one_epoch` and `evaluate` epoch by epoch and keeps the best weights.

Works on a CPU, a GPU, or several processes under `torchrun` (Accelerate finds out which). `optim.batch_size` counts
the images of all processes together; each takes its share of every batch.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn

from chromseg.annotations.samples import Sample
from chromseg.config import TrainConfig
from chromseg.errors import TrainingError
from chromseg.memory import keep_freed_memory
from chromseg.models.package import ModelCard
from chromseg.training.batches import epoch_batches, load_batches, with_bar
from chromseg.training.epochs import EpochSet
from chromseg.training.interrupt import StopRequest, stop_request
from chromseg.training.optim import learning_rate
from chromseg.training.result import FitResult, described, finish_run
from chromseg.training.run import Run, restore_training, save_run, start_training
from chromseg.training.survey import Survey
from chromseg.training.task import Batch
from chromseg.training.tasks import task_of
from chromseg.training.tracker import JsonTracker, NullTracker, Tracker, finite, flat_params


def fit(
    config: TrainConfig,
    train_samples: Iterable[Sample],
    val_samples: Iterable[Sample],
    folder: Path,
    *,
    seed: int,
    tracker: Tracker | None = None,
    resume: bool = True,
    card: ModelCard | None = None,
    tags: Mapping[str, str] | None = None,
    checkpoint: Path | None = None,
    keep_checkpoint: bool = False,
) -> FitResult:
    """Train one variant and write its model.

    After every epoch (and every `hardware.checkpoint_steps` steps) a checkpoint is written. The same call after a
    crash, SIGKILL or Ctrl-C goes on from it and ends, on a CPU, with the same bits as if nothing had happened.

    The weights kept are those of the epoch with the best score on the validation samples: crossing IoU of networks of
    maps, mAP of detectors, accuracy of classifiers. Patience counts from the first epoch whose score is above 0,
    since crossings take some epochs to appear at all.

    Args:
        config: The variant.
        train_samples: Read once, in order; a generator keeps memory low.
        val_samples: Judged at their own size; at least one with a crossing (a chromosome, for other tasks). None at
            all is allowed with `optim.patience` 0; the last weights are kept then.
        folder: Gets model.safetensors, model.json and run.json.
        seed: Of initial weights and all random choices.
        tracker: Gets parameters, metrics per epoch and finished files; default: nothing is tracked.
        resume: Go on from the checkpoint, if there is one; otherwise it is removed.
        card: What model.json shall say of stain, polarity, lineage and so on. Metrics are added to it, and sizes
            where it has none; default a card named like the folder.
        tags: For run.json.
        checkpoint: Where the checkpoint lies; default `folder/checkpoint.pt`. It is removed at the end.
        keep_checkpoint: Leave it to the caller, who has more to do that a crash must not cost: the same call then only
            writes the model again.

    Raises:
        DataError: No training samples, some of another kind than the network needs, or validation samples that cannot
            choose an epoch.
        ConfigError: The batch size does not divide among the processes.
        TrainingError: A loss is not finite, the checkpoint is of another run, or somebody stopped the training.
        OutputError: A file cannot be written.
    """
    keep_freed_memory()
    survey = Survey()
    task = task_of(config)
    dataset = task.dataset(survey.watch(train_samples), config, seed)
    config = task.settled(config, dataset)
    validation = [task.kept(sample) for sample in survey.watch(val_samples)]
    task.check(config, validation)
    run = start_training(config, survey, checkpoint or folder / "checkpoint.pt", seed=seed)
    _take_up(run, resume=resume)
    trackers = _trackers(run, JsonTracker(folder / "run.json", tags, run.progress.history), tracker)
    for each in trackers:
        each.log_params(flat_params(config, seed=seed))
    with stop_request(active=run.accelerator.num_processes == 1) as stop:
        while not _finished(run):
            _stop_if_asked(run, stop)
            dataset.set_epoch(run.progress.epoch)
            metrics = train_one_epoch(run, dataset, stop) | evaluate(run, validation)
            _close_epoch(run, metrics)
            for each in trackers:
                each.log_metrics(metrics, run.progress.epoch - 1)
            _tell(run, metrics)
    result = finish_run(run, folder, described(card or ModelCard(folder.name, config.model), survey), trackers)
    if run.accelerator.is_main_process and not keep_checkpoint:
        run.checkpoint.unlink(missing_ok=True)
    return result


def train_one_epoch(run: Run, dataset: EpochSet, stop: StopRequest) -> dict[str, float]:
    """Train on every batch of the epoch that has not been trained on yet.

    Args:
        run: The training; its progress moves on with each step.
        dataset: Set to the epoch.
        stop: Once it is asked, the state is saved and the training ends.

    Returns:
        "train/loss" and its parts as means over the epoch's steps (of this process's share of the batches), "train/lr"
        of the last step, and "perf/train_images_per_s" of all processes.

    Raises:
        TrainingError: A loss is not finite, or a stop was asked for.
    """
    progress, batches, start = run.progress, epoch_batches(run, dataset), time.perf_counter()
    rate, images = 0.0, 0
    run.objective.train()
    for batch in with_bar(run, load_batches(run, dataset, batches[progress.step :]), len(batches)):
        rate = learning_rate(run.config.optim, _steps_done(run, batches), run.config.optim.epochs * len(batches))
        losses = _train_step(run, batch, rate)
        if run.average is not None:
            run.average.update(run.network, _steps_done(run, batches))
        progress.sums = {name: progress.sums.get(name, 0.0) + value for name, value in losses.items()}
        progress.step += 1
        images += len(batch["image"]) * run.accelerator.num_processes
        if progress.step < len(batches):
            _save_within_epoch(run, stop)
    means = {f"train/{name}": value / len(batches) for name, value in progress.sums.items()}
    return means | {"train/lr": rate, "perf/train_images_per_s": images / (time.perf_counter() - start)}


@torch.inference_mode()
def evaluate(run: Run, validation: Sequence[Any]) -> dict[str, float]:
    """Judge the (averaged) network on validation samples as the task keeps them, one by one, each process its share.

    Returns:
        The task's metrics `val/…`; what is undefined is left out, so no samples give an empty dict.
    """
    network, device = run.judged.eval(), run.accelerator.device
    share = validation[run.accelerator.process_index :: run.accelerator.num_processes]
    scores = gather_object([run.task.judge(network, kept, run.config, device) for kept in share])
    return finite(run.task.summarize(scores))


def _train_step(run: Run, batch: Batch, rate: float) -> dict[str, float]:
    config, device = run.config, run.accelerator.device
    layout = torch.channels_last if config.hardware.channels_last else torch.contiguous_format
    batch = run.task.move(batch, device, layout)
    with torch.autocast(device.type, torch.bfloat16, enabled=config.hardware.precision == "bf16"):
        losses: dict[str, Tensor] = run.objective(batch)
    values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
    if not all(math.isfinite(value) for value in values.values()):
        raise _not_finite(run, values)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.optimizer.zero_grad(set_to_none=True)
    run.accelerator.backward(losses["loss"])
    if config.optim.clip_norm:
        nn.utils.clip_grad_norm_(run.network.parameters(), config.optim.clip_norm)
    run.optimizer.step()
    return values


def _steps_done(run: Run, batches: list[list[int]]) -> int:
    return run.progress.epoch * len(batches) + run.progress.step


def _close_epoch(run: Run, metrics: dict[str, float]) -> None:
    """Note the epoch's metrics, keep its weights if they are the best so far, and save."""
    progress = run.progress
    score = next((metrics[name] for name in run.task.monitor if name in metrics), 0.0)
    if score > progress.best_score or progress.best_score == 0:  # until something is found, the latest are best
        progress.best_epoch, progress.best_score = progress.epoch, score
        run.best_weights = {name: value.detach().cpu().clone() for name, value in run.judged.state_dict().items()}
    progress.history.append({"step": progress.epoch, **metrics})
    progress.epoch, progress.step, progress.sums = progress.epoch + 1, 0, {}
    save_run(run)


def _tell(run: Run, metrics: dict[str, float]) -> None:
    """One line an epoch on stderr where no progress bar can move: in a log file."""
    if run.accelerator.is_main_process and not sys.stderr.isatty():
        names = ("train/loss", *run.task.monitor, "perf/train_images_per_s")
        figures = ", ".join(f"{name} {metrics[name]:.4g}" for name in names if name in metrics)
        print(f"epoch {run.progress.epoch}/{run.config.optim.epochs}: {figures}", file=sys.stderr, flush=True)


def _finished(run: Run) -> bool:
    progress, optim = run.progress, run.config.optim
    without_better = progress.epoch - 1 - progress.best_epoch
    tired = optim.patience > 0 and progress.best_score > 0 and without_better >= optim.patience
    return progress.epoch >= optim.epochs or tired


def _save_within_epoch(run: Run, stop: StopRequest) -> None:
    every = run.config.hardware.checkpoint_steps
    if stop or (every and run.progress.step % every == 0):
        save_run(run)
    _stop_if_asked(run, stop)


def _stop_if_asked(run: Run, stop: StopRequest) -> None:
    if stop:
        raise TrainingError(
            f"stopped on request after epoch {run.progress.epoch}, step {run.progress.step}",
            expected="a finished training",
            remedy=f"run the same command again; it goes on from {run.checkpoint}",
        )


def _take_up(run: Run, *, resume: bool) -> None:
    if not resume and run.accelerator.is_main_process:
        run.checkpoint.unlink(missing_ok=True)
    run.accelerator.wait_for_everyone()
    if run.checkpoint.is_file():
        restore_training(run)


def _trackers(run: Run, *trackers: Tracker | None) -> list[Tracker]:
    if not run.accelerator.is_main_process:
        return [NullTracker()]
    return [tracker for tracker in trackers if tracker is not None]


def _not_finite(run: Run, values: dict[str, float]) -> TrainingError:
    parts = ", ".join(f"{name} {value}" for name, value in values.items())
    kept = f"the checkpoint {run.checkpoint} is kept" if run.checkpoint.is_file() else "no checkpoint was written yet"
    return TrainingError(
        f"a loss that is not finite in epoch {run.progress.epoch}, step {run.progress.step} ({parts})",
        expected="finite losses",
        remedy=f"lower optim.lr, set optim.clip_norm or use fp32; {kept}",
    )
