"""Stage `evaluate`: one trained variant judged on test cases → scores, and test metrics on the run that trained it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from chromseg.annotations import Sample
from chromseg.config import variant_config
from chromseg.errors import DataError
from chromseg.evaluation.calibration import write_calibration
from chromseg.evaluation.gallery import draw_gallery
from chromseg.evaluation.measuring import Judged, judge_samples
from chromseg.evaluation.study import study
from chromseg.evaluation.tables import write_table
from chromseg.files import replacing, write_json
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import predictor_from_folder
from chromseg.metrics import (
    CutoutScore,
    InstanceScore,
    bootstrap_by_case,
    instance_intervals,
    mean_iou,
    overall_acc,
    overlap_acc,
    sp_acc,
)
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.restore import restore_run
from pipelines.profile import Profile, best_device, run_stage, stage_arguments
from pipelines.selection import held_out, stains
from pipelines.unseen import refuse_known

_WITH_INTERVAL: dict[str, Callable[[Sequence[CutoutScore]], float | None]] = {
    "iou_crossing": lambda scores: mean_iou([score.iou_crossing for score in scores])[0],
    "overlap_acc": overlap_acc,
    "sp_acc": sp_acc,
    "overall_acc": overall_acc,
}


def main() -> None:
    """Judge the variant on pictures that nothing behind it has seen, and write its scores."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    model = profile.model(arguments.variant, arguments.seed)
    tests = held_out(profile, variant_config(profile.params, arguments.variant), "test").entries()
    if not tests:
        raise no_test_samples(profile)
    refuse_known(model, tests)
    predictor = predictor_from_folder(model, device=best_device())
    samples = partial(chosen_samples, profile, arguments.variant, "test")
    judged = judge_samples(predictor, samples("cutout"), samples("metaphase"), stains(profile))
    if judged is None:
        raise no_test_samples(profile)
    metrics = judged.metrics
    scores = profile.scores(arguments.variant, arguments.seed)
    rows = []
    if profile.evaluate.studies and isinstance(predictor, InstancePredictor):
        rows = study_unseen(profile, arguments.variant, predictor)
    write_scores(scores, judged, rows)
    init_store()
    run = restore_run(model / "run.json")
    run.log_metrics(metrics | judged.slices)
    run.log_artifact(scores, "test")
    with tempfile.TemporaryDirectory() as folder:
        overlays = Path(folder) / "overlays.png"
        draw_gallery(overlays, "test cut-outs, the first of them", judged.cases)
        run.log_artifact(overlays)
    shown = {key: round(value, 4) for key, value in metrics.items() if value is not None}
    print(f"{arguments.variant}-{arguments.seed}: {shown}", file=sys.stderr)


def chosen_samples(profile: Profile, variant: str, split: str, kind: str) -> Iterator[Sample]:
    """The samples of one split and kind, by the variant's fold if it has one."""
    return held_out(profile, variant_config(profile.params, variant), split, kind).samples()


def no_test_samples(profile: Profile) -> DataError:
    """What is wrong where there is nothing to judge by."""
    dataset = profile.evaluate.dataset
    return DataError(
        f"no test sample of `{'`, `'.join(profile.evaluate.datasets)}` in {profile.prepared}",
        expected="a dataset of `prepare.datasets` with cases in the split `test`",
        remedy=f"give it some (`data import --split`, or `split` in data/{dataset}/annotations.json), or name another "
        "set as `evaluate.dataset`",
    )


def study_unseen(profile: Profile, variant: str, predictor: InstancePredictor) -> list[dict[str, Any]]:
    """The study on validation images; none, and a line that says so, if the variant was trained on them."""
    if "val" in variant_config(profile.params, variant).train_on:
        print(f"{variant}: no study, since it was trained on the validation images", file=sys.stderr)
        return []
    return study(predictor, chosen_samples(profile, variant, "val", "metaphase"))


def intervals(
    cutouts: Sequence[CutoutScore], metaphases: Sequence[InstanceScore] = ()
) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals by case of the metrics of cut-outs and of whole images."""
    cases = [score.case_id for score in cutouts]
    found = {key: bootstrap_by_case(cutouts, cases, statistic) for key, statistic in _WITH_INTERVAL.items()}
    found |= instance_intervals(metaphases)
    return {f"test/{key}": (interval.low, interval.high) for key, interval in found.items() if interval}


def write_scores(folder: Path, judged: Judged, studied: Sequence[Mapping[str, object]] = ()) -> None:
    """Write scores in one step.

    `metrics.json` (with intervals and slices), `cutouts.csv`, `metaphases.csv`, the reliability diagram as CSV and PNG,
    and `study.csv` if there is one.
    """
    cutouts, metaphases = judged.cutouts, judged.metaphases
    found = {"metrics": judged.metrics, "intervals": intervals(cutouts, metaphases), "slices": judged.slices}
    with replacing(folder) as root:
        root.mkdir()
        write_json(root / "metrics.json", found)
        write_table(root / "cutouts.csv", [asdict(score) for score in cutouts])
        write_table(
            root / "metaphases.csv",
            [
                {
                    "name": image.name,
                    "case_id": image.case_id,
                    "true": image.recovered.size,
                    "found": image.count,
                    "recovered_80": int(image.recovered.sum()),
                    "edits": image.edits,
                }
                for image in metaphases
            ],
        )
        if metaphases:
            write_calibration(root, metaphases)
        if studied:
            write_table(root / "study.csv", studied)


if __name__ == "__main__":
    run_stage(main)
