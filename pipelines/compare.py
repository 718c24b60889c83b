"""Stage `compare`: all variants side by side → the ablation table, curves, and galleries of good cases and failures."""

from __future__ import annotations

import glob
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from chromseg.annotations import Sample, read_samples
from chromseg.arrays import F32
from chromseg.config import CompareConfig, block, parse, variant_config
from chromseg.evaluation.anchors import boxes_seen
from chromseg.evaluation.comparison import (
    draw_outcomes,
    draw_trainings,
    judge_cut_points,
    read_results,
    write_ablation,
)
from chromseg.evaluation.detector_pictures import draw_detectors
from chromseg.files import replacing
from chromseg.inference.load import predictor_from_folder
from chromseg.metrics.report import RunResult
from chromseg.models.device import usable_device
from chromseg.models.package import CARD
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.comparison import record_comparison
from chromseg.registry.store.restore import restore_run
from pipelines.evaluate import chosen_samples
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Gather what train and evaluate left, and draw it."""
    profile = Profile(stage_arguments(__doc__).profile)
    config = parse(CompareConfig, block(profile.params, "compare"), "compare")
    runs, trained = read_results(profile.reports / "scores", config.baseline), trained_models(profile)
    records = records_of(profile, runs)
    for line in missing(profile, runs, trained, records):
        print(line, file=sys.stderr)
    cutouts, metaphases = (partial(tested, profile, kind) for kind in ("cutout", "metaphase"))
    untrained = [judge_cut_points(cutouts(config.gallery))] if config.cut_points else []
    with replacing(profile.reports / "comparison") as root:
        root.mkdir()
        headings = write_ablation(root, [*runs, *untrained])
        draw_trainings(root, runs, records)
        if config.gallery in trained:
            predictor = predictor_from_folder(trained[config.gallery], device=usable_device())
            draw_outcomes(root, predictor, cutouts(config.gallery))
        wanted = (config.baseline, config.gallery)
        draw_detectors(root, trained, wanted, metaphases, partial(training_boxes, profile), usable_device())
    table = (profile.reports / "comparison" / "ablation.md").read_text(encoding="utf-8")
    init_store()
    scored = {(run["variant"], run["seed"]): run["metrics"] for run in runs}
    tracked = [restore_run(record, scored[run]) for run, record in records.items()]
    record_comparison(profile.name, tracked, profile.reports / "comparison", table, headings)
    print(table)


def trained_models(profile: Profile) -> dict[str, Path]:
    """Model folder of the first seed of each variant that is trained to its end, in the order of the params file."""
    trained: dict[str, Path] = {}
    for variant in profile.params["train"]["variants"]:
        cards = profile.models.glob(f"{glob.escape(variant)}-*/{CARD}")
        seeds = [int(seed) for card in cards if (seed := card.parent.name.removeprefix(f"{variant}-")).isdecimal()]
        if seeds:
            trained[variant] = profile.model(variant, min(seeds))
    return trained


def records_of(profile: Profile, runs: Iterable[RunResult]) -> dict[tuple[str, int], Path]:
    """Variant and seed → the record of its training, of the runs that have one, in their order."""
    records = {(run["variant"], run["seed"]): profile.model(run["variant"], run["seed"]) / "run.json" for run in runs}
    return {run: record for run, record in records.items() if record.is_file()}


def missing(
    profile: Profile,
    runs: Sequence[RunResult],
    trained: Collection[str],
    records: Mapping[tuple[str, int], Path],
) -> list[str]:
    """What the comparison lacks, a line each."""
    variants = list(profile.params["train"]["variants"])
    scored = {run["variant"] for run in runs}
    lacking = {
        "left out, not trained": [name for name in variants if name not in trained and name not in scored],
        "left out, trained but not evaluated": [name for name in variants if name in trained and name not in scored],
        "no curve, since its model is gone": [
            f"{run['variant']}-{run['seed']}" for run in runs if (run["variant"], run["seed"]) not in records
        ],
    }
    return [f"{what}: {', '.join(names)}" for what, names in lacking.items() if names]


def tested(profile: Profile, kind: str, variant: str) -> Iterable[Sample]:
    """The test samples of one kind that judge a variant."""
    return chosen_samples(profile, variant, "test", kind)


def training_boxes(profile: Profile, variant: str) -> F32:
    """The boxes float32 (N, 4) that a detector trains on, as it sees them."""
    config = variant_config(profile.params, variant)
    own = (config.dataset,) if config.dataset else ()
    return boxes_seen(read_samples(profile.prepared, splits=("train",), kinds=("metaphase",), datasets=own), config)


if __name__ == "__main__":
    run_stage(main)
