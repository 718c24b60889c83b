"""Stage `compare`: all variants side by side → the ablation table, curves, and galleries of good cases and failures."""

from __future__ import annotations

import glob
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from chromseg.annotations import Sample, read_samples
from chromseg.arrays import U8
from chromseg.config import CompareConfig, DetectorConfig, block, parse, variant_config
from chromseg.errors import DataError
from chromseg.evaluation.anchors import boxes_seen, draw_anchors
from chromseg.evaluation.curves import draw_curves, write_curves
from chromseg.evaluation.failures import OUTCOMES, outcome_of
from chromseg.evaluation.figures import Shown, compare_variants, region_figure
from chromseg.evaluation.gallery import draw_gallery
from chromseg.evaluation.judging import judge_cutout
from chromseg.files import replacing, write_json
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.predictor import Predictor
from chromseg.metrics import CutoutScore, summarize
from chromseg.metrics.catalogue import HEADINGS
from chromseg.metrics.report import RunResult, ablation_csv, ablation_markdown, ablation_rows
from chromseg.models.package import CARD, read_card
from chromseg.partition.cut_points import crossings_by_cut_points
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.comparison import record_comparison
from chromseg.registry.store.restore import restore_run
from chromseg.training.tracker import read_run
from pipelines.evaluate import chosen_samples
from pipelines.profile import Profile, best_device, run_stage, stage_arguments


def main() -> None:
    """Gather what train and evaluate left, and draw it."""
    profile = Profile(stage_arguments(__doc__).profile)
    config = parse(CompareConfig, block(profile.params, "compare"), "compare")
    runs = read_results(profile, config.baseline)
    trained = trained_models(profile)
    for line in missing(profile, runs, trained):
        print(line, file=sys.stderr)
    untrained = [judge_cut_points(profile, config.gallery)] if config.cut_points else []
    with replacing(profile.reports / "comparison") as root:
        root.mkdir()
        rows = ablation_rows([*runs, *untrained], list(HEADINGS))
        headings = {key: text for key, text in HEADINGS.items() if any(row.cells[key].n for row in rows)}
        (root / "ablation.md").write_text(ablation_markdown(rows, headings), encoding="utf-8")
        (root / "ablation.csv").write_text(ablation_csv(rows), encoding="utf-8")
        write_json(root / "metrics.json", {row.variant: {k: c.mean for k, c in row.cells.items()} for row in rows})
        curves = read_curves(profile, [run for run in runs if has_curve(profile, run)])
        write_curves(root / "curves.csv", curves)
        draw_curves(root / "curves.png", curves)
        if config.gallery in trained:
            draw_galleries(root, profile, config.gallery, trained[config.gallery])
        draw_detectors(root, profile, config, trained)
    table = (profile.reports / "comparison" / "ablation.md").read_text(encoding="utf-8")
    init_store()
    tracked = [restore_run(record_of(profile, run), run["metrics"]) for run in runs if has_curve(profile, run)]
    record_comparison(profile.name, tracked, profile.reports / "comparison", table, headings)
    print(table)


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


def trained_models(profile: Profile) -> dict[str, Path]:
    """Model folder of the first seed of each variant that is trained to its end, in the order of the params file."""
    trained: dict[str, Path] = {}
    for variant in profile.params["train"]["variants"]:
        cards = profile.models.glob(f"{glob.escape(variant)}-*/{CARD}")
        seeds = [int(seed) for card in cards if (seed := card.parent.name.removeprefix(f"{variant}-")).isdecimal()]
        if seeds:
            trained[variant] = profile.model(variant, min(seeds))
    return trained


def missing(profile: Profile, runs: Sequence[RunResult], trained: Collection[str]) -> list[str]:
    """What the comparison lacks, a line each."""
    variants = list(profile.params["train"]["variants"])
    scored = {run["variant"] for run in runs}
    lacking = {
        "left out, not trained": [name for name in variants if name not in trained and name not in scored],
        "left out, trained but not evaluated": [name for name in variants if name in trained and name not in scored],
        "no curve, since its model is gone": [
            f"{run['variant']}-{run['seed']}" for run in runs if not has_curve(profile, run)
        ],
    }
    return [f"{what}: {', '.join(names)}" for what, names in lacking.items() if names]


def has_curve(profile: Profile, run: RunResult) -> bool:
    """Whether the record of its training is there."""
    return record_of(profile, run).is_file()


def record_of(profile: Profile, run: RunResult) -> Path:
    """The record of its training."""
    return profile.model(run["variant"], run["seed"]) / "run.json"


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
        for sample in chosen_samples(profile, variant, "test", "cutout")
    ]
    return {"variant": "cut-points", "seed": 0, "metrics": summarize(scores)}


def read_curves(profile: Profile, runs: Sequence[RunResult]) -> list[dict[str, Any]]:
    """One row per run and epoch: variant, seed, epoch and the epoch's metrics."""
    rows = []
    for run in runs:
        record = read_run(profile.model(run["variant"], run["seed"]) / "run.json")
        for epoch in record["metrics"]:
            metrics = {key: value for key, value in epoch.items() if key != "step"}
            rows.append({"variant": run["variant"], "seed": run["seed"], "epoch": epoch["step"] + 1, **metrics})
    return rows


def draw_galleries(root: Path, profile: Profile, variant: str, model: Path) -> None:
    """Test cut-outs as one model sees them, by outcome."""
    predictor = predictor_from_folder(model, device=best_device())
    cutouts = chosen_samples(profile, variant, "test", "cutout")
    judged = [(sample, judge_cutout(predictor, sample)) for sample in cutouts]
    for kind, caption in OUTCOMES.items():
        draw_gallery(root / f"gallery-{kind}.png", caption, [case for case in judged if outcome_of(*case) == kind])


def draw_detectors(root: Path, profile: Profile, config: CompareConfig, trained: Mapping[str, Path]) -> None:
    """What only detectors have: crossings in whole metaphases (Fig. 6), regions (Fig. 7) and anchors (Fig. 3).

    Figs. 6 and 7 show the baseline and the variant of the gallery; if neither is a detector, the first and the last
    that is. Where no chromosomes cross, or the test images have boxes alone, there is nothing to show.
    """
    models = {variant: read_card(folder).architecture for variant, folder in trained.items()}
    detectors = {variant: model for variant, model in models.items() if isinstance(model, DetectorConfig)}
    if not detectors:
        return
    names = list(detectors)
    shown = [name for name in (config.baseline, config.gallery) if name in detectors] or [names[0], names[-1]]
    predictors = {name: predictor_from_folder(trained[name], device=best_device()) for name in dict.fromkeys(shown)}
    sample = first_crossing(profile, shown[-1])
    if sample is not None:
        write_picture(root / "gallery-metaphases.png", compare_variants(seen_by(predictors, profile, shown[-1])))
        last = predictors[shown[-1]]
        if isinstance(last, InstancePredictor) and last.network.config.region != "none":
            write_picture(root / "gallery-regions.png", region_figure(last, sample))
    trained_on = variant_config(profile.params, shown[-1])
    own = (trained_on.dataset,) if trained_on.dataset else ()
    pictures = read_samples(profile.prepared, splits=("train",), kinds=("metaphase",), datasets=own)
    boxes = boxes_seen(pictures, trained_on)
    if len(boxes):
        draw_anchors(root / "anchors.png", boxes, detectors)


def seen_by(predictors: Mapping[str, Predictor], profile: Profile, variant: str) -> Iterator[Shown]:
    """Each test metaphase that has instances, with what each predictor finds in it."""
    for sample in chosen_samples(profile, variant, "test", "metaphase"):
        if sample.masks is not None:
            yield Shown(sample, {name: each.find(sample.image).masks for name, each in predictors.items()})


def first_crossing(profile: Profile, variant: str) -> Sample | None:
    """The first test metaphase in which chromosomes cross."""
    samples = chosen_samples(profile, variant, "test", "metaphase")
    return next((sample for sample in samples if sample.masks is not None and sample.crossing.any()), None)


def write_picture(path: Path, picture: U8) -> None:
    """Write uint8 (H, W, 3) as PNG."""
    Image.fromarray(picture).save(path)


if __name__ == "__main__":
    run_stage(main)
