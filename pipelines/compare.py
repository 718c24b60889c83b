"""Stage `compare`: all variants side by side → the ablation table, curves, and galleries of good cases and failures."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from chromseg.annotations import Sample
from chromseg.config import CompareConfig, block, parse
from chromseg.errors import DataError
from chromseg.files import replacing, write_json
from chromseg.inference.evaluation import CutoutCase, judge_cutout
from chromseg.inference.failures import OUTCOMES, outcome_of
from chromseg.inference.predictor import Predictor
from chromseg.metrics import CutoutScore, summarize
from chromseg.metrics.report import HEADINGS, RunResult, ablation_csv, ablation_markdown, ablation_rows
from chromseg.partition.cut_points import crossings_by_cut_points
from chromseg.training.tracker import read_run
from pipelines.evaluate import test_samples
from pipelines.pictures import draw_gallery
from pipelines.profile import Profile, run_stage, stage_arguments

matplotlib.use("Agg")


def main() -> None:
    """Gather what train and evaluate left, and draw it."""
    profile = Profile(stage_arguments(__doc__).profile)
    config = parse(CompareConfig, block(profile.params, "compare"), "compare")
    runs = read_results(profile, config.baseline)
    untrained = [judge_cut_points(profile, config.gallery)] if config.cut_points else []
    with replacing(profile.reports / "comparison") as root:
        root.mkdir()
        rows = ablation_rows([*runs, *untrained], list(HEADINGS))
        (root / "ablation.md").write_text(ablation_markdown(rows, HEADINGS), encoding="utf-8")
        (root / "ablation.csv").write_text(ablation_csv(rows), encoding="utf-8")
        write_json(root / "metrics.json", {row.variant: {k: c.mean for k, c in row.cells.items()} for row in rows})
        curves = read_curves(profile, runs)
        write_curves(root / "curves.csv", curves)
        draw_curves(root / "curves.png", curves)
        judged = judge(profile, config.gallery)
        for kind, caption in OUTCOMES.items():
            draw_gallery(root / f"gallery-{kind}.png", caption, [case for case in judged if outcome_of(*case) == kind])
    print((profile.reports / "comparison" / "ablation.md").read_text(encoding="utf-8"))


def read_results(profile: Profile, baseline: str) -> list[RunResult]:
    """The scores of every variant × seed, the baseline first.

    Raises:
        DataError: None is there, or not the baseline.
    """
    runs: list[RunResult] = []
    for path in sorted((profile.reports / "scores").glob("*/metrics.json")):
        variant, _, seed = path.parent.name.rpartition("-")
        metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        runs.append({"variant": variant, "seed": int(seed), "metrics": metrics})
    if baseline not in {run["variant"] for run in runs}:
        raise DataError(
            f"no scores of the baseline `{baseline}` in {profile.reports / 'scores'}",
            expected="one of " + (", ".join(sorted({run["variant"] for run in runs})) or "nothing yet"),
            remedy="evaluate it, or correct `compare.baseline`",
        )
    return sorted(runs, key=lambda run: (run["variant"] != baseline, run["variant"], run["seed"]))


def read_curves(profile: Profile, runs: Sequence[RunResult]) -> list[dict[str, Any]]:
    """One row per run and epoch: variant, seed, epoch and the epoch's metrics."""
    rows = []
    for run in runs:
        record = read_run(profile.model(run["variant"], run["seed"]) / "run.json")
        for epoch in record["metrics"]:
            metrics = {key: value for key, value in epoch.items() if key != "step"}
            rows.append({"variant": run["variant"], "seed": run["seed"], "epoch": epoch["step"] + 1, **metrics})
    return rows


def write_curves(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Curves as CSV, for `dvc plots`."""
    names = dict.fromkeys(name for row in rows for name in row)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(names))
        writer.writeheader()
        writer.writerows(rows)


def draw_curves(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Training loss and crossing IoU by epoch, one line per variant × seed."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    for run in dict.fromkeys((row["variant"], row["seed"]) for row in rows):
        own = [row for row in rows if (row["variant"], row["seed"]) == run]
        for axis, key in zip(axes, ("train/loss", "val/iou_crossing"), strict=True):
            points = [(row["epoch"], row[key]) for row in own if row.get(key) is not None]
            if points:
                label = run[0] if run[1] == min(row["seed"] for row in rows if row["variant"] == run[0]) else None
                axis.plot(*zip(*points, strict=True), label=label, color=f"C{variants.index(run[0]) % 10}")
    for axis, title in zip(axes, ("training loss", "crossing IoU, validation"), strict=True):
        axis.set(title=title, xlabel="epoch")
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def judge_cut_points(profile: Profile, variant: str) -> RunResult:
    """The cut-point geometry of Table II on the true chromosome maps of the same test cut-outs; it has no stage 2."""
    scores = [
        CutoutScore.from_maps(
            sample.name,
            sample.case_id,
            pred_crossing=crossings_by_cut_points(sample.chromosome),
            true_crossing=sample.crossing,
            pred_chromosome=sample.chromosome,
            true_chromosome=sample.chromosome,
        )
        for sample in test_samples(profile, variant, "cutout")
    ]
    return {"variant": "cut-points", "seed": 0, "metrics": summarize(scores)}


def judge(profile: Profile, variant: str) -> list[tuple[Sample, CutoutCase]]:
    """Every test cut-out with what the variant's first seed makes of it."""
    folders = sorted((profile.root / "models").glob(f"{variant}-*"))
    if not folders:
        raise DataError(
            f"no model of `{variant}`", expected="a trained variant", remedy="train it, or correct `compare.gallery`"
        )
    predictor = Predictor.from_folder(folders[0])
    return [(sample, judge_cutout(predictor, sample)) for sample in test_samples(profile, variant, "cutout")]


if __name__ == "__main__":
    run_stage(main)
