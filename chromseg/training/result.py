"""The end of a training: the best weights become a model folder."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from chromseg.models import Network
from chromseg.models.package import CARD, WEIGHTS, ModelCard, save_model
from chromseg.training.run import Run
from chromseg.training.survey import Survey
from chromseg.training.tracker import Tracker


@dataclass(frozen=True)
class FitResult:
    """How a training ended.

    Attributes:
        folder: Holds model.safetensors, model.json and run.json.
        card: The model's card as saved.
        best_epoch: Epoch (from 0) of the kept weights; the last one if there is no validation.
        epochs: Epochs run in all, those before a resumption included.
        metrics: Metrics of the kept epoch.
        history: Metrics of every epoch, with "step".
    """

    folder: Path
    card: ModelCard
    best_epoch: int
    epochs: int
    metrics: dict[str, float]
    history: list[dict[str, float]]


def finish_run(run: Run, folder: Path, card: ModelCard, trackers: list[Tracker]) -> FitResult:
    """Write the best weights as a model into `folder`, and tell the trackers.

    Raises:
        OutputError: The folder cannot be written.
    """
    progress = run.progress
    run.network.load_state_dict(run.best_weights)
    metrics = {name: value for name, value in progress.history[progress.best_epoch].items() if name != "step"}
    card = dataclasses.replace(card, metrics={**card.metrics, **metrics})
    if run.accelerator.is_main_process:
        card = save_model(folder, cast(Network, run.network), card)
        for tracker in trackers:
            tracker.log_artifact(folder / WEIGHTS)
            tracker.log_artifact(folder / CARD)
    run.accelerator.wait_for_everyone()
    return FitResult(folder, card, progress.best_epoch, progress.epoch, metrics, progress.history)


def described(card: ModelCard, survey: Survey) -> ModelCard:
    """The card with the chromosome sizes of the training samples, unless it already has some."""
    return dataclasses.replace(
        card,
        chromosome_area=survey.median_area if card.chromosome_area is None else card.chromosome_area,
        chromosome_width=survey.median_width if card.chromosome_width is None else card.chromosome_width,
    )
