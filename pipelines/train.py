"""Stage `train`: one variant × seed → `models/<variant>-<seed>/` and an MLflow run.

A network of maps is validated on cut-outs, a detector or classifier on whole images.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from accelerate import Accelerator

from chromseg.annotations import read_dataset
from chromseg.config import DetectorConfig, ModelConfig, PrepareConfig, TrainConfig, block, parse, variant_config
from chromseg.evaluation.detector_thresholds import choose_threshold, learned_masks, mark_boxes_only
from chromseg.evaluation.looks import choose_looks
from chromseg.evaluation.map_thresholds import at_threshold, choose_map_settings
from chromseg.evaluation.seams import choose_seams
from chromseg.evaluation.sureness import choose_sureness
from chromseg.inference.instance_predictor import InstanceSettings
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.models.device import usable_device
from chromseg.models.package import ModelCard
from chromseg.project import dataset_folder
from chromseg.registry.lineage.gather import gather_lineage
from chromseg.registry.lineage.lineage import Lineage
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.runs import RunTracker, start_run
from chromseg.training.loop import fit
from chromseg.training.result import FitResult
from chromseg.validation import ImageLimits
from pipelines.profile import Profile, run_stage, stage_arguments
from pipelines.selection import behind, corrections, known_pictures, stains, training, validation
from pipelines.unseen import seen_by
from pipelines.validate import passed

_ENOUGH = 20  # pictures of a dataset by which thresholds and looks are chosen


def main() -> None:
    """Train, track, and leave the model folder."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    config = variant_config(profile.params, arguments.variant)
    train(profile, config, arguments.variant, arguments.seed, finish=partial(finish, profile, config))


def train(
    profile: Profile, config: TrainConfig, variant: str, seed: int, finish: Callable[[FitResult, RunTracker], None]
) -> None:
    """Train one variant, and `finish` it within its run; not on samples that leak, nor if it knew its test pictures.

    What was interrupted, also while it finished, goes on from its checkpoint, in the same run. Under `torchrun` the
    first process alone tracks, writes and finishes; the others lend a hand in training.
    """
    checkpoint = profile.checkpoint(variant, seed, config)
    seen = seen_by(profile, config, variant)
    learn = partial(
        fit,
        config,
        training(profile, config).samples(),
        validation(profile, config, "cutout" if isinstance(config.model, ModelConfig) else "metaphase").samples(),
        profile.model(variant, seed),
        seed=seed,
        checkpoint=checkpoint,
        keep_checkpoint=True,
    )
    if not Accelerator().is_main_process:
        learn()
        return
    corrected_by = corrections(profile, *behind(profile, config))
    lineage = replace(origin(profile, config, variant, seed, corrected_by), seen_sha256=seen.sha256())
    init_store()
    with start_run(lineage, resume=checkpoint.is_file()) as run:
        lineage = replace(lineage, run_id=run.run_id)
        card = replace(first_card(profile, config, lineage), seen=seen.to_card())
        finish(learn(tracker=run, card=card, tags=lineage.tags()), run)
    checkpoint.unlink(missing_ok=True)


def finish(profile: Profile, config: TrainConfig, result: FitResult, run: RunTracker) -> None:
    """Choose the threshold, note whether a detector knows masks, and tell how the training ended."""
    metaphases = validation(profile, config, "metaphase")
    if isinstance(config.model, DetectorConfig):
        if not learned_masks(result.card, config.init):
            mark_boxes_only(result.folder)
            print(f"{result.folder}: no training image has masks, so it hands out boxes", file=sys.stderr)
        threshold = choose_threshold(result.folder, metaphases.samples(), usable_device())
        run.log_params({"threshold": threshold})
    elif isinstance(config.model, ModelConfig):
        settings = choose_map_settings(result.folder, metaphases.some(_ENOUGH), usable_device())
        run.log_params({"threshold": settings.chromosome, "least_mean": settings.mean})
        run.log_params({"crossing_threshold": settings.crossing})
        seams = choose_seams(result.folder, metaphases.some(2 * _ENOUGH), usable_device())
        run.log_params({"seam_weights": "fitted" if seams else "not fitted"})
        sure = choose_sureness(result.folder, metaphases.samples(), stains(profile), usable_device())
        run.log_params({"doubtful": sure.doubtful if sure else "not fitted"})
        looks = choose_looks(result.folder, known_pictures(profile, 3 * _ENOUGH), usable_device())
        run.log_params({"stain_looks": ", ".join(looks)})
    print(f"{result.folder}: epoch {result.best_epoch + 1} of {result.epochs} kept, {result.metrics}", file=sys.stderr)


def first_card(profile: Profile, config: TrainConfig, lineage: Lineage) -> ModelCard:
    """What is known of the model before it is trained."""
    data = [read_dataset(dataset_folder(name)).card for name in profile.evaluate.datasets]
    maps = isinstance(config.model, ModelConfig)
    width = parse(PrepareConfig, block(profile.params, "prepare"), "prepare").width
    return ModelCard(
        name=lineage.variant,
        architecture=config.model,
        stain=_each(card.stain for card in data),
        polarity=_each(card.polarity for card in data),
        chromosome_width=width or None,
        preprocessing=_preprocessing(config) | ({"scaled": True} if width else {}),
        partition=asdict(config.partition) if maps else {},
        input=asdict(ImageLimits()),
        lineage=lineage.to_dict(),
    )


def origin(profile: Profile, config: TrainConfig, variant: str, seed: int, corrected_by: Sequence[str] = ()) -> Lineage:
    """The lineage: the data that trains, validates or tests the variant, and that which its first weights have seen.

    The cases of all prepared datasets are dealt to folds together, so with a fold all of them decide.

    Args:
        profile: The pipeline.
        config: The variant's.
        variant: Its name.
        seed: Of the run.
        corrected_by: Datasets whose outlines the samples of others have (`selection.corrections`).
    """
    prepare = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    alone = config.dataset and config.fold is None
    datasets, tested = (config.dataset, *corrected_by) if alone else prepare.datasets, profile.evaluate.datasets
    lineage = gather_lineage(
        experiment=profile.evaluate.experiment if isinstance(config.model, ModelConfig) else "ucrd-net",
        variant=variant,
        seed=seed,
        datasets=datasets,
        tested=tested,
        corrected_by=corrected_by,
        sources=(config.init, getattr(config.model, "weights", "")),
        profile=profile.name,
        ablation=config.ablation,
    )
    used = {name: lineage.data_md5[name] for name in (*datasets, *tested, *corrected_by)}
    return replace(lineage, validation=passed(profile.reports / "validation", used))


def _each(words: Iterable[str]) -> str:
    """Each word once, in the order of the datasets that judge."""
    return ", ".join(dict.fromkeys(words))


def _preprocessing(config: TrainConfig) -> dict[str, Any]:
    """What predictions are made with, written down in full: later defaults must not change an old model."""
    if isinstance(config.model, ModelConfig):
        postprocess = at_threshold(PostprocessSettings(contact=config.seams), config.chromosome_threshold)
        return {"tone": config.tone, "half_turn": config.half_turn, "postprocess": asdict(postprocess)}
    if isinstance(config.model, DetectorConfig):
        return {"tone": config.tone, "instances": asdict(InstanceSettings(score=config.instance_score))}
    return {}


if __name__ == "__main__":
    run_stage(main)
