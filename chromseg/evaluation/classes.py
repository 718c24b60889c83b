"""A classifier of single chromosomes judged: who is taken for whom, as tables and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import torch

from chromseg.annotations import Sample
from chromseg.arrays import I64
from chromseg.files import replacing, write_json
from chromseg.metrics.classes import accuracies, confusion_matrix
from chromseg.models.classifier import Classifier
from chromseg.training.class_task import classify, patches_of

matplotlib.use("Agg")


def judge_classifier(network: Classifier, samples: Iterable[Sample], size: int, device: str) -> I64:
    """Confusion matrix int64 (classes, classes) of samples: rows are true classes, columns answers.

    Args:
        network: The classifier.
        samples: Whole metaphases with boxes or instances, and classes.
        size: Side of a patch in pixels, as in training.
        device: Where the network runs, in PyTorch's words.
    """
    matrix = np.zeros((network.config.classes,) * 2, dtype=np.int64)
    place = torch.device(device)
    network = network.to(place)
    for sample in samples:
        patches = patches_of(sample)
        matrix += confusion_matrix(patches.labels, classify(network, patches, size, place), len(matrix))
    return matrix


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
