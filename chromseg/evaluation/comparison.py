"""All variants of a pipeline side by side: a table, curves of their trainings, and cut-outs as one model sees them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chromseg.annotations import Sample
from chromseg.errors import DataError
from chromseg.evaluation.curves import draw_curves, write_curves
from chromseg.evaluation.failures import OUTCOMES, outcome_of
from chromseg.evaluation.gallery import draw_gallery
from chromseg.evaluation.measuring import judged_cutout
from chromseg.files import write_json
from chromseg.inference.predictor import Predictor
from chromseg.metrics import CutoutScore, summarize
from chromseg.metrics.catalogue import HEADINGS
from chromseg.metrics.report import RunResult, ablation_csv, ablation_markdown, ablation_rows
from chromseg.partition.cut_points import crossings_by_cut_points
from chromseg.training.tracker import read_run


def read_results(folder: Path, baseline: str) -> list[RunResult]:
    """The scores of every variant × seed below a folder, the baseline first.

    Raises:
        DataError: None is there, or not the baseline.
    """
    runs: list[RunResult] = []
    for path in sorted(folder.glob("*/metrics.json")):
        variant, _, seed = path.parent.name.rpartition("-")
        metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        runs.append({"variant": variant, "seed": int(seed), "metrics": metrics})
    if baseline not in {run["variant"] for run in runs}:
        raise DataError(
            f"no scores of the baseline `{baseline}` in {folder}",
            expected="one of " + (", ".join(sorted({run["variant"] for run in runs})) or "nothing yet"),
            remedy="evaluate it, or correct `compare.baseline`",
        )
    return sorted(runs, key=lambda run: (run["variant"] != baseline, run["variant"], run["seed"]))


def judge_cut_points(samples: Iterable[Sample]) -> RunResult:
    """The cut-point geometry of Table II on the true chromosome maps of test cut-outs; it has no stage 2."""
    scores = [
        CutoutScore.from_maps(
            sample.name,
            sample.case_id,
            pred_crossing=crossings_by_cut_points(sample.chromosome),
            true_crossing=sample.crossing,
            pred_chromosome=sample.chromosome,
            true_chromosome=sample.chromosome,
        )
        for sample in samples
    ]
    return {"variant": "cut-points", "seed": 0, "metrics": summarize(scores)}


def write_ablation(root: Path, runs: Sequence[RunResult]) -> dict[str, str]:
    """Write the table as `ablation.md`, `ablation.csv` and `metrics.json`.

    Returns:
        Its columns, key → heading: those that any run has a figure in.
    """
    rows = ablation_rows(runs, list(HEADINGS))
    headings = {key: text for key, text in HEADINGS.items() if any(row.cells[key].n for row in rows)}
    (root / "ablation.md").write_text(ablation_markdown(rows, headings), encoding="utf-8")
    (root / "ablation.csv").write_text(ablation_csv(rows), encoding="utf-8")
    write_json(root / "metrics.json", {row.variant: {k: c.mean for k, c in row.cells.items()} for row in rows})
    return headings


def draw_trainings(root: Path, runs: Sequence[RunResult], records: Mapping[tuple[str, int], Path]) -> None:
    """Write `curves.csv` and `curves.png` of those runs whose training is on record.

    Args:
        root: Folder to write into.
        runs: In the order in which they are drawn.
        records: Variant and seed → `run.json`.
    """
    rows: list[dict[str, Any]] = []
    for variant, seed in ((run["variant"], run["seed"]) for run in runs):
        if (variant, seed) not in records:
            continue
        for epoch in read_run(records[variant, seed])["metrics"]:
            metrics = {key: value for key, value in epoch.items() if key != "step"}
            rows.append({"variant": variant, "seed": seed, "epoch": epoch["step"] + 1, **metrics})
    write_curves(root / "curves.csv", rows)
    draw_curves(root / "curves.png", rows)


def draw_outcomes(root: Path, predictor: Predictor, cutouts: Iterable[Sample]) -> None:
    """Write `gallery-<outcome>.png`: test cut-outs as one model sees them."""
    judged = [judged_cutout(predictor, sample) for sample in cutouts]
    for kind, caption in OUTCOMES.items():
        draw_gallery(root / f"gallery-{kind}.png", caption, [case for case in judged if outcome_of(*case) == kind])
