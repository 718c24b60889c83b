"""Stage `evaluate`: one trained variant judged on test cases → scores, and test metrics on the run that trained it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from chromseg.annotations import Sample
from chromseg.config import variant_config
from chromseg.errors import DataError
from chromseg.evaluation.measuring import Judged, judge_samples
from chromseg.evaluation.scores import rounded, write_scores
from chromseg.evaluation.study import study
from chromseg.inference.instance_predictor import InstancePredictor
from chromseg.inference.load import predictor_from_folder
from chromseg.inference.predictor import Predictor
from chromseg.models.device import usable_device
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.judgement import record_judgement
from chromseg.registry.store.restore import restore_run
from pipelines.profile import Profile, run_stage, stage_arguments
from pipelines.selection import held_out, judging_samples, stains
from pipelines.unseen import refuse_known


def main() -> None:
    """Judge the variant on pictures that nothing behind it has seen, and write its scores."""
    arguments = stage_arguments(__doc__, variant=True)
    profile, variant = Profile(arguments.profile), arguments.variant
    model, scores = profile.model(variant, arguments.seed), profile.scores(variant, arguments.seed)
    tests = held_out(profile, variant_config(profile.params, variant), "test").entries()
    if not tests:
        raise no_test_samples(profile)
    refuse_known(model, tests)
    predictor = predictor_from_folder(model, device=usable_device())
    cutouts, metaphases = (chosen_samples(profile, variant, "test", kind) for kind in ("cutout", "metaphase"))
    judged = judge(profile, predictor, cutouts, metaphases)
    write_scores(scores, judged, study_unseen(profile, variant, predictor))
    init_store()
    record_judgement(restore_run(model / "run.json"), judged, scores)
    print(f"{variant}-{arguments.seed}: {rounded(judged.metrics)}", file=sys.stderr)


def judge(profile: Profile, predictor: Predictor, cutouts: Iterable[Sample], metaphases: Iterable[Sample]) -> Judged:
    """Judge a model on test samples of the datasets that judge in this pipeline.

    Raises:
        DataError: There is no test sample.
    """
    judged = judge_samples(predictor, cutouts, metaphases, stains(profile))
    if judged is None:
        raise no_test_samples(profile)
    return judged


def chosen_samples(profile: Profile, variant: str, split: str, kind: str) -> Iterator[Sample]:
    """The samples of one split and kind that judge, by the variant's fold if it has one."""
    return judging_samples(profile, held_out(profile, variant_config(profile.params, variant), split, kind))


def no_test_samples(profile: Profile) -> DataError:
    """What is wrong where there is nothing to judge by."""
    dataset = profile.evaluate.dataset
    return DataError(
        f"no test sample of `{'`, `'.join(profile.evaluate.datasets)}` in {profile.prepared}",
        expected="a dataset of `prepare.datasets` with cases in the split `test`",
        remedy=f"give it some (`data import --split`, or `split` in data/{dataset}/annotations.json), or name another "
        "set as `evaluate.dataset`",
    )


def study_unseen(profile: Profile, variant: str, predictor: Predictor) -> list[dict[str, Any]]:
    """The study of a detector on validation images, where the pipeline has studies.

    None, and a line that says so, if the variant was trained on those images.
    """
    if not profile.evaluate.studies or not isinstance(predictor, InstancePredictor):
        return []
    if "val" in variant_config(profile.params, variant).train_on:
        print(f"{variant}: no study, since it was trained on the validation images", file=sys.stderr)
        return []
    return study(predictor, chosen_samples(profile, variant, "val", "metaphase"))


if __name__ == "__main__":
    run_stage(main)
