"""The ablation table: mean ± sd over seeds for each variant, and how far it lies from the baseline."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

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
        difference: `mean` less that of the baseline; None for the baseline itself and where either is undefined.
    """

    mean: float | None
    sd: float | None
    n: int
    difference: float | None


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
    rows: list[Row] = []
    for variant in dict.fromkeys(run["variant"] for run in runs):
        own = [run for run in runs if run["variant"] == variant]
        baseline = rows[0].cells if rows else {}
        cells = {key: _cell([run["metrics"].get(key) for run in own], baseline.get(key)) for key in keys}
        rows.append(Row(variant, tuple(sorted(run["seed"] for run in own)), cells))
    return rows


def ablation_markdown(rows: Sequence[Row], headings: Mapping[str, str]) -> str:
    """The table as Markdown, `0.804 ± 0.012 (+0.021)`, undefined as –.

    Args:
        rows: Of `ablation_rows`.
        headings: Heading of each metric to show, by key, in order.
    """
    lines = [["variant", "seeds", *headings.values()], ["---", "---:", *("---:" for _ in headings)]]
    lines += [[row.variant, str(len(row.seeds)), *(_text(key, row.cells[key]) for key in headings)] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ablation_csv(rows: Sequence[Row]) -> str:
    """The table as CSV with the columns `<key>`, `<key>_sd`, `<key>_n`, `<key>_difference`; undefined is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    keys = list(rows[0].cells) if rows else []
    endings = ("", "_sd", "_n", "_difference")
    writer.writerow(["variant", "seeds", *(key + ending for key in keys for ending in endings)])
    for row in rows:
        cells = [row.cells[key] for key in keys]
        figures = (figure for cell in cells for figure in (cell.mean, cell.sd, cell.n, cell.difference))
        writer.writerow([row.variant, " ".join(map(str, row.seeds)), *figures])
    return stream.getvalue()


def _cell(values: Sequence[float | None], baseline: Cell | None) -> Cell:
    defined = [value for value in values if value is not None and not np.isnan(value)]
    mean = float(np.mean(defined)) if defined else None
    sd = float(np.std(defined, ddof=1)) if len(defined) > 1 else None
    reference = None if baseline is None else baseline.mean
    return Cell(mean, sd, len(defined), None if mean is None or reference is None else mean - reference)


def _text(key: str, cell: Cell) -> str:
    if cell.mean is None:
        return "–"
    places = decimals(key, cell.mean)
    spread = "" if cell.sd is None else f" ± {cell.sd:.{places}f}"
    difference = "" if cell.difference is None else f" ({cell.difference:+.{places}f})"
    return f"{cell.mean:.{places}f}{spread}{difference}"
