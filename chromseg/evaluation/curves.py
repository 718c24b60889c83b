"""Metrics by epoch of every run, as a table for `dvc plots` and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from chromseg.evaluation.tables import write_table

matplotlib.use("Agg")

_DRAWN = {
    "train/loss": "training loss",
    "val/iou_crossing": "crossing IoU, validation",
    "val/mask_ap50": "mask AP50, validation",
    "val/box_ap50": "box AP50, validation",
}


def write_curves(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Curves as CSV; what a family does not measure is empty.

    Beside the table of everything goes one for each drawn metric, `curves/train-loss.csv` say, with a column for each
    run: the form in which `dvc plots` draws each run as a line of its own.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    write_table(path, [{name: row.get(name, "") for name in names} for row in rows])
    path.with_suffix("").mkdir()
    for metric in _DRAWN:
        if any(row.get(metric) is not None for row in rows):
            write_table(path.with_suffix("") / f"{metric.replace('/', '-')}.csv", by_run(rows, metric))


def by_run(rows: Sequence[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    """One row per epoch: epoch, and the metric of each run that measures it, by `<variant>-<seed>`."""
    runs = dict.fromkeys(_name(row) for row in rows if row.get(metric) is not None)
    points = {(row["epoch"], _name(row)): row.get(metric, "") for row in rows}
    epochs = sorted({row["epoch"] for row in rows})
    return [{"epoch": epoch} | {run: points.get((epoch, run), "") for run in runs} for epoch in epochs]


def _name(row: dict[str, Any]) -> str:
    return f"{row['variant']}-{row['seed']}"


def draw_curves(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Training loss and validation scores by epoch, one line per variant × seed; only what somebody measured."""
    from matplotlib import pyplot

    drawn = {key: title for key, title in _DRAWN.items() if any(row.get(key) is not None for row in rows)}
    figure, axes = pyplot.subplots(
        1, max(1, len(drawn)), figsize=(5 * max(1, len(drawn)), 4), layout="constrained", squeeze=False
    )
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    for run in dict.fromkeys((row["variant"], row["seed"]) for row in rows):
        own = [row for row in rows if (row["variant"], row["seed"]) == run]
        first = run[1] == min(row["seed"] for row in rows if row["variant"] == run[0])
        for axis, key in zip(axes[0], drawn, strict=False):
            points = [(row["epoch"], row[key]) for row in own if row.get(key) is not None]
            if points:
                label = run[0] if first else None
                axis.plot(*zip(*points, strict=True), marker=".", label=label, **line_of(variants.index(run[0])))
    for axis, title in zip(axes[0], drawn.values(), strict=False):
        axis.set(title=title, xlabel="epoch")
    axes[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def line_of(index: int) -> dict[str, str]:
    """How the line of a variant looks, by its place: ten colours solid, then the same dashed, dotted, dash-dotted."""
    return {"color": f"C{index % 10}", "linestyle": ("-", "--", ":", "-.")[index // 10 % 4]}
