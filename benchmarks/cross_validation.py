"""The cross-validation as one figure: the cut-outs of all folds pooled, intervals by case, the labels' ceiling beside.

    dvc repro profiles/bioimlab/dvc.yaml           # or train and evaluate the variants fold-0 … fold-4
    python -m benchmarks.label_ceiling
    python -m benchmarks.cross_validation          # seconds

Every case is judged exactly once, by a model that has not seen it.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.label_ceiling import JUDGED
from chromseg.errors import DataError
from chromseg.evaluation.scores import intervals
from chromseg.files import write_json
from chromseg.metrics import CutoutScore, summarize_cutouts
from pipelines.profile import Profile, run_stage

PER_FOLD = ("test/mask_map", "test/mask_ap50", "test/mask_ap75", "test/recall_crossing", "test/count_mae")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="bioimlab")
    parser.add_argument("--ceiling", type=Path, default=Path("reports/label_ceiling.json"))
    parser.add_argument("--out", type=Path, default=Path("reports/cross_validation.json"))
    arguments = parser.parse_args()
    folds = fold_folders(Profile(arguments.profile))
    cutouts = [score for folder in folds for score in read_cutouts(folder / "cutouts.csv")]
    ceiling = json.loads(arguments.ceiling.read_text(encoding="utf-8"))
    between = intervals(cutouts)
    pooled = {f"test/{key}": value for key, value in summarize_cutouts(cutouts).items()}
    report = {
        "what": f"{len(folds)} folds of {arguments.profile} by case, cut-outs pooled; intervals 95 % by case",
        "pooled": pooled,
        "intervals": between,
        "ceiling": {key: ceiling[key] for key in JUDGED},
        "metaphases": metaphases(folds),
        "folds": {folder.name: lineage(Profile(arguments.profile), folder.name) for folder in folds},
    }
    write_json(arguments.out, report)
    print("| pooled over the folds | figure | 95 % by case | ceiling of the labels |\n|---|---|---|---|")
    for key in JUDGED:
        low, high = between.get(f"test/{key}", (None, None))
        interval = "" if low is None else f"{low:.3f}–{high:.3f}"
        print(f"| {key} | {pooled[f'test/{key}']:.3f} | {interval} | {ceiling[key]:.3f} |")


def fold_folders(profile: Profile) -> list[Path]:
    """The scores of all folds.

    Raises:
        DataError: One is missing.
    """
    wanted = sorted(name for name in profile.params["train"]["variants"] if name.startswith("fold-"))
    folders = [profile.scores(name, 0) for name in wanted]
    missing = [folder.name for folder in folders if not (folder / "cutouts.csv").is_file()]
    if missing or not folders:
        raise DataError(
            f"no scores of {', '.join(missing) or 'any fold'}",
            expected=f"the folds of profiles/{profile.name}, evaluated",
            remedy="run `python -m pipelines.train` and `pipelines.evaluate` for each, or `dvc repro`",
        )
    return folders


def read_cutouts(path: Path) -> list[CutoutScore]:
    """The scores that `evaluate` wrote, one row per cut-out."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            CutoutScore(
                row["name"],
                row["case_id"],
                float(row["iou_crossing"] or "nan"),
                float(row["iou_chromosome"] or "nan"),
                row["well_detected"] == "True",
                _optional(row["splice"]),
                _optional(row["splice_true_maps"]),
                _optional(row["iou_foreground"]),
            )
            for row in csv.DictReader(stream)
        ]


def metaphases(folds: list[Path]) -> dict[str, Any]:
    """Whole metaphases: chromosomes found over all folds, and mean and sd over the folds of what is per set."""
    rows = []
    for folder in folds:
        with (folder / "metaphases.csv").open(newline="", encoding="utf-8") as stream:
            rows += list(csv.DictReader(stream))
    true = sum(int(row["true"]) for row in rows)
    errors = [abs(int(row["true"]) - int(row["found"])) for row in rows]
    found = [json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["metrics"] for folder in folds]
    spread = {key: [metrics[key] for metrics in found] for key in PER_FOLD}
    return {
        "images": len(rows),
        "chromosomes": true,
        "recovered_80": sum(int(row["recovered_80"]) for row in rows) / true,
        "count_mae": statistics.mean(errors),
        **{key: {"mean": statistics.mean(v), "sd": statistics.stdev(v)} for key, v in spread.items()},
    }


def lineage(profile: Profile, name: str) -> dict[str, Any]:
    """What a reader needs to get a fold's model again."""
    tags = json.loads((profile.root / "models" / name / "run.json").read_text(encoding="utf-8"))["tags"]
    return {key: tags[key] for key in ("git_commit", "git_dirty", "data_md5", "seed", "hardware")}


def _optional(text: str) -> float | None:
    return float(text) if text else None


if __name__ == "__main__":
    run_stage(main)
