"""The ablation table: mean ± sd over seeds for each variant, and how far it lies from the baseline, seed by seed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TypedDict

import numpy as np
from scipy.special import stdtrit

from chromseg.metrics.catalogue import decimals

MetricValues = Mapping[str, float | None]


class RunResult(TypedDict):
    """One trained variant at one seed, with its metrics by key (contract §4)."""

    variant: str
    seed: int
    metrics: MetricValues


@dataclass(frozen=True)
class Cell:
    """One metric of one variant over its seeds.

    Attributes:
        mean: Mean over the seeds where the metric is defined; None if there is none.
        sd: Sample standard deviation (n − 1); None for fewer than two such seeds.
        n: Number of such seeds.
        difference: From the baseline, seed by seed, on average over the seeds that both have; of the means where they
            share none; None for the baseline itself and where either is undefined.
        half_width: Of the 95 % interval of the differences seed by seed (Student's t); None for fewer than two.
    """

    mean: float | None
    sd: float | None
    n: int
    difference: float | None
    half_width: float | None


@dataclass(frozen=True)
class Row:
    """One variant: its seeds, ascending, and a cell for each metric."""

    variant: str
    seeds: tuple[int, ...]
    cells: dict[str, Cell]


def ablation_rows(runs: Sequence[RunResult], keys: Sequence[str]) -> list[Row]:
    """Gather runs into one row per variant, in order of first appearance; the first is the baseline.

    A key that a run lacks counts as undefined. No runs give no rows.
    """
    by_variant: dict[str, list[RunResult]] = {}
    for run in runs:
        by_variant.setdefault(run["variant"], []).append(run)
    rows: list[Row] = []
    for variant, own in by_variant.items():
        baseline = next(iter(by_variant.values())) if rows else []
        cells = {key: _cell(_defined(own, key), _defined(baseline, key)) for key in keys}
        rows.append(Row(variant, tuple(sorted(run["seed"] for run in own)), cells))
    return rows


def ablation_markdown(rows: Sequence[Row], headings: Mapping[str, str]) -> str:
    """The table as Markdown, `0.804 ± 0.012 (+0.021 ± 0.034)`, undefined as –.

    Behind the mean stands its sd over the seeds, behind the difference the half-width of its 95 % interval.

    Args:
        rows: Of `ablation_rows`.
        headings: Heading of each metric to show, by key, in order.
    """
    lines = [["variant", "seeds", *headings.values()], ["---", "---:", *("---:" for _ in headings)]]
    lines += [[row.variant, str(len(row.seeds)), *(_text(key, row.cells[key]) for key in headings)] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ablation_csv(rows: Sequence[Row]) -> str:
    """The table as CSV: `<key>`, and with `_sd`, `_n`, `_difference`, `_half_width` behind it; undefined is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    keys = list(rows[0].cells) if rows else []
    endings = ("", "_sd", "_n", "_difference", "_half_width")
    writer.writerow(["variant", "seeds", *(key + ending for key in keys for ending in endings)])
    for row in rows:
        cells = [row.cells[key] for key in keys]
        figures = (figure for cell in cells for figure in astuple(cell))
        writer.writerow([row.variant, " ".join(map(str, row.seeds)), *figures])
    return stream.getvalue()


def half_width(differences: Sequence[float]) -> float | None:
    """Half the width of the 95 % interval of a mean difference (Student's t); None for fewer than two."""
    if len(differences) < 2:
        return None
    error = np.std(differences, ddof=1) / np.sqrt(len(differences))
    return float(stdtrit(len(differences) - 1, 0.975) * error)


def _defined(runs: Sequence[RunResult], key: str) -> dict[int, float]:
    """The metric's value by seed, where it has one."""
    found = {run["seed"]: run["metrics"].get(key) for run in runs}
    return {seed: value for seed, value in found.items() if value is not None and not np.isnan(value)}


def _cell(own: Mapping[int, float], baseline: Mapping[int, float]) -> Cell:
    mean = float(np.mean(list(own.values()))) if own else None
    sd = float(np.std(list(own.values()), ddof=1)) if len(own) > 1 else None
    paired = [value - baseline[seed] for seed, value in own.items() if seed in baseline]
    difference = float(np.mean(paired)) if paired else None
    if mean is not None and baseline and not paired:
        difference = mean - float(np.mean(list(baseline.values())))
    return Cell(mean, sd, len(own), difference, half_width(paired))


def _text(key: str, cell: Cell) -> str:
    if cell.mean is None:
        return "–"
    places = decimals(key, cell.mean)
    spread = "" if cell.sd is None else f" ± {cell.sd:.{places}f}"
    interval = "" if cell.half_width is None else f" ± {cell.half_width:.{places}f}"
    difference = "" if cell.difference is None else f" ({cell.difference:+.{places}f}{interval})"
    return f"{cell.mean:.{places}f}{spread}{difference}"
