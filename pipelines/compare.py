"""Stage `compare`: all variants side by side → the ablation table, curves, and galleries of good cases and failures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from chromseg.annotations import Sample, read_samples
from chromseg.config import CompareConfig, DetectorConfig, TrainConfig, block, parse, variant_config
from chromseg.errors import DataError
from chromseg.files import replacing, write_json
from chromseg.inference.evaluation import CutoutCase, judge_cutout
from chromseg.inference.failures import OUTCOMES, outcome_of
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.predictor import Predictor
from chromseg.metrics import CutoutScore, boxes_of, summarize
from chromseg.metrics.report import HEADINGS, RunResult, ablation_csv, ablation_markdown, ablation_rows
from chromseg.partition.cut_points import crossings_by_cut_points
from chromseg.training.instances import scaling
from pipelines.curves import draw_curves, read_curves, write_curves
from pipelines.evaluate import test_samples
from pipelines.figures import draw_anchors, draw_crossings, draw_regions
from pipelines.pictures import draw_gallery
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Gather what train and evaluate left, and draw it."""
    profile = Profile(stage_arguments(__doc__).profile)
    config = parse(CompareConfig, block(profile.params, "compare"), "compare")
    runs = read_results(profile, config.baseline)
    untrained = [judge_cut_points(profile, config.gallery)] if config.cut_points else []
    with replacing(profile.reports / "comparison") as root:
        root.mkdir()
        rows = ablation_rows([*runs, *untrained], list(HEADINGS))
        headings = {key: text for key, text in HEADINGS.items() if any(row.cells[key].n for row in rows)}
        (root / "ablation.md").write_text(ablation_markdown(rows, headings), encoding="utf-8")
        (root / "ablation.csv").write_text(ablation_csv(rows), encoding="utf-8")
        write_json(root / "metrics.json", {row.variant: {k: c.mean for k, c in row.cells.items()} for row in rows})
        curves = read_curves(profile, runs)
        write_curves(root / "curves.csv", curves)
        draw_curves(root / "curves.png", curves)
        judged = judge(profile, config.gallery)
        for kind, caption in OUTCOMES.items():
            draw_gallery(root / f"gallery-{kind}.png", caption, [case for case in judged if outcome_of(*case) == kind])
        draw_detectors(root, profile, config)
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
    predictor = first_model(profile, variant)
    return [(sample, judge_cutout(predictor, sample)) for sample in test_samples(profile, variant, "cutout")]


def draw_detectors(root: Path, profile: Profile, config: CompareConfig) -> None:
    """What only detectors have: crossings in whole metaphases (Fig. 6), regions (Fig. 7) and anchors (Fig. 3).

    Shown are the baseline and the variant of the gallery; if neither is a detector, the first and the last that is.
    """
    configs = {variant: variant_config(profile.params, variant) for variant in profile.params["train"]["variants"]}
    detectors = [variant for variant, own in configs.items() if isinstance(own.model, DetectorConfig)]
    shown = [name for name in (config.baseline, config.gallery) if name in detectors] or detectors[:1] + detectors[-1:]
    if not shown:
        return
    predictors = {variant: first_model(profile, variant) for variant in dict.fromkeys(shown)}
    samples = test_samples(profile, shown[-1], "metaphase")
    draw_crossings(root / "gallery-metaphases.png", samples, predictors)
    last = predictors[shown[-1]]
    if isinstance(last, InstancePredictor) and last.network.config.region != "none" and samples:
        draw_regions(root / "gallery-regions.png", last, samples[0])
    models = {variant: first_model(profile, variant).card.architecture for variant in detectors}
    boxes = train_boxes(profile, configs[shown[-1]])
    if len(boxes):
        draw_anchors(root / "anchors.png", boxes, cast(dict[str, DetectorConfig], models))


def train_boxes(profile: Profile, config: TrainConfig) -> npt.NDArray[np.float32]:
    """Boxes float32 (N, 4) of the training images, at the size at which a detector sees them."""
    assert isinstance(config.model, DetectorConfig)
    found = [np.zeros((0, 4))]
    for sample in read_samples(profile.prepared, splits=("train",), kinds=("metaphase",), dataset=config.dataset):
        boxes = sample.boxes if sample.masks is None else boxes_of(sample.masks)
        seen = (config.crop, config.crop) if config.crop else (sample.image.shape[0], sample.image.shape[1])
        found.append((np.zeros((0, 4)) if boxes is None else boxes) * scaling(seen, config.model))
    return np.concatenate(found).astype(np.float32)


def first_model(profile: Profile, variant: str) -> Predictor:
    """The variant's model of the first seed.

    Raises:
        DataError: It is not trained.
    """
    folders = sorted((profile.root / "models").glob(f"{variant}-*"))
    if not folders:
        raise DataError(
            f"no model of `{variant}`", expected="a trained variant", remedy="train it, or correct `compare`"
        )
    return Predictor.from_folder(folders[0])


if __name__ == "__main__":
    run_stage(main)
