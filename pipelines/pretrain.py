"""Stage `pretrain`: a detector's backbone learns to name single chromosomes (UCRD-Net §2.1).

Leaves `models/<variant>-<seed>/` with the classifier and `backbone.safetensors`, the file that `model.weights` of a
detector can name, and what the classifier scores on test cases, by class.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import torch

from chromseg.annotations import read_dataset, read_samples
from chromseg.arrays import I64
from chromseg.config import TrainConfig, variant_config
from chromseg.files import replacing, write_json
from chromseg.metrics.classes import accuracies, confusion_matrix
from chromseg.models.classifier import Classifier
from chromseg.models.package import load_model
from chromseg.models.ucrd_net.weights import save_backbone
from chromseg.project import dataset_folder
from chromseg.registry.store.runs import RunTracker
from chromseg.training.class_task import classify, patches_of
from chromseg.training.result import FitResult
from pipelines.profile import Profile, best_device, run_stage, stage_arguments
from pipelines.train import train

matplotlib.use("Agg")

BACKBONE = "backbone.safetensors"


def main() -> None:
    """Train the classifier, keep its backbone, and judge it on cases that it has not seen."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    config = variant_config(profile.params, arguments.variant, "pretrain")
    report = profile.pretraining(arguments.variant, arguments.seed)
    train(profile, config, arguments.variant, arguments.seed, finish=partial(finish, profile, config, report))


def finish(profile: Profile, config: TrainConfig, report: Path, result: FitResult, run: RunTracker) -> None:
    """Leave the backbone, and what the classifier scores in the folder `report` and in the run."""
    dataset = profile.evaluate.dataset
    network, _ = load_model(result.folder, Classifier)
    save_backbone(result.folder / BACKBONE, network.backbone)
    metrics = write_report(report, judge(network, profile, dataset, config.crop), class_names(dataset))
    run.log_metrics(metrics)
    run.log_artifact(report, "pretraining")
    print(f"{result.folder / BACKBONE}: accuracy {metrics['test/accuracy']} on test cases", file=sys.stderr)


def judge(network: Classifier, profile: Profile, dataset: str, size: int) -> I64:
    """Confusion matrix int64 (classes, classes) of the test cases: rows are true classes, columns answers."""
    samples = read_samples(profile.prepared, splits=("test",), kinds=("metaphase",), datasets=(dataset,))
    matrix = np.zeros((network.config.classes,) * 2, dtype=np.int64)
    device = torch.device(best_device())
    network = network.to(device)
    for sample in samples:
        patches = patches_of(sample)
        matrix += confusion_matrix(patches.labels, classify(network, patches, size, device), len(matrix))
    return matrix


def class_names(dataset: str) -> list[str]:
    """Names of the classes in the order of the labels."""
    categories = read_dataset(dataset_folder(dataset)).categories
    return [categories[number] for number in sorted(categories)]


def write_report(folder: Path, matrix: I64, names: Sequence[str]) -> dict[str, float | None]:
    """Write `metrics.json`, `accuracy.csv`, `confusion.csv` and `confusion.png`; returns the metrics."""
    overall, mean, each = accuracies(matrix)
    metrics = {"test/accuracy": overall, "test/accuracy_macro": mean, "test/n_chromosomes": float(matrix.sum())}
    with replacing(folder) as root:
        root.mkdir(parents=True)
        write_json(root / "metrics.json", {"metrics": metrics})
        rows = zip(names, matrix.sum(axis=1).tolist(), each, strict=True)
        _write_csv(root / "accuracy.csv", ["class", "chromosomes", "accuracy"], rows)
        counts = ([name, *row] for name, row in zip(names, matrix.tolist(), strict=True))
        _write_csv(root / "confusion.csv", ["true", *names], counts)
        draw_confusion(root / "confusion.png", matrix, names)
    return metrics


def draw_confusion(path: Path, matrix: I64, names: Sequence[str]) -> None:
    """The matrix as shares of each true class, a row each."""
    from matplotlib import pyplot

    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, axes = pyplot.subplots(figsize=(7.5, 6.5), layout="constrained")
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="answer", ylabel="true class", xticks=range(len(names)), yticks=range(len(names)))
    axes.set_xticklabels(names, rotation=90, fontsize=8)
    axes.set_yticklabels(names, fontsize=8)
    figure.colorbar(drawn, label="share of the true class")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _write_csv(path: Path, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(heading)
        writer.writerows(rows)


if __name__ == "__main__":
    run_stage(main)
