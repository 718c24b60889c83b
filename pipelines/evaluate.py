"""Stage `evaluate`: one trained variant judged on test cases → scores, and test metrics on the run that trained it."""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from chromseg.annotations import Sample, read_samples
from chromseg.config import EvaluateConfig, block, parse, variant_config
from chromseg.files import replacing, write_json
from chromseg.inference.evaluation import judge_cutout, judge_metaphase
from chromseg.inference.predictor import Predictor
from chromseg.metrics import CutoutScore, InstanceScore, bootstrap_by_case, summarize, summarize_cutouts
from chromseg.registry.restore import restore_run
from pipelines.pictures import draw_gallery
from pipelines.profile import Profile, run_stage, stage_arguments

_WITH_INTERVAL = ("iou_crossing", "overlap_acc", "sp_acc", "overall_acc")
_TIMED = 10


def main() -> None:
    """Judge the variant and write its scores."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    model = profile.model(arguments.variant, arguments.seed)
    predictor = Predictor.from_folder(model)
    judged = [(s, judge_cutout(predictor, s)) for s in test_samples(profile, arguments.variant, "cutout")]
    cutouts = [case.score for _, case in judged]
    metaphases = [
        judge_metaphase(predictor, sample) for sample in test_samples(profile, arguments.variant, "metaphase")
    ]
    metrics = summarize(cutouts, metaphases) | {"perf/infer_ms_per_image": infer_ms(predictor, judged[0][0])}
    write_scores(profile.scores(arguments.variant, arguments.seed), metrics, cutouts, metaphases)
    run = restore_run(model / "run.json")
    run.log_metrics(metrics)
    with tempfile.TemporaryDirectory() as folder:
        overlays = Path(folder) / "overlays.png"
        draw_gallery(overlays, "test cut-outs, the first of them", judged)
        run.log_artifact(overlays)
    shown = {key: round(value, 4) for key, value in metrics.items() if value is not None}
    print(f"{arguments.variant}-{arguments.seed}: {shown}", file=sys.stderr)


def test_samples(profile: Profile, variant: str, kind: str) -> list[Sample]:
    """The test samples of one kind, by the variant's fold if it has one."""
    config = parse(EvaluateConfig, block(profile.params, "evaluate"), "evaluate")
    turn = variant_config(profile.params, variant).fold
    fold = None if turn is None else (turn, config.folds)
    return list(read_samples(profile.prepared, splits=("test",), kinds=(kind,), dataset=config.dataset, fold=fold))


def infer_ms(predictor: Predictor, sample: Sample) -> float:
    """Milliseconds of stage 1 on one cut-out, median of ten after a warm-up."""
    times = []
    for _ in range(_TIMED + 2):
        start = time.perf_counter()
        predictor.probabilities(sample.image)
        times.append(1000 * (time.perf_counter() - start))
    return float(torch.tensor(times[2:]).median())


def intervals(cutouts: Sequence[CutoutScore]) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals by case of the cut-out metrics."""
    cases = [score.case_id for score in cutouts]
    found = {key: bootstrap_by_case(cutouts, cases, lambda s, k=key: summarize_cutouts(s)[k]) for key in _WITH_INTERVAL}
    return {f"test/{key}": (interval.low, interval.high) for key, interval in found.items() if interval}


def write_scores(
    folder: Path,
    metrics: dict[str, float | None],
    cutouts: Sequence[CutoutScore],
    metaphases: Sequence[InstanceScore],
) -> None:
    """Write `metrics.json` (with intervals), `cutouts.csv` and `metaphases.csv` in one step."""
    with replacing(folder) as root:
        root.mkdir()
        write_json(root / "metrics.json", {"metrics": metrics, "intervals": intervals(cutouts)})
        _write_table(root / "cutouts.csv", [asdict(score) for score in cutouts])
        _write_table(
            root / "metaphases.csv",
            [
                {
                    "name": image.name,
                    "case_id": image.case_id,
                    "true": image.recovered.size,
                    "found": image.correct.size,
                    "recovered_80": int(image.recovered.sum()),
                }
                for image in metaphases
            ],
        )


def _write_table(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["name"])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    run_stage(main)
