"""Stage `train`: one variant × seed → `models/<variant>-<seed>/` and an MLflow run.

A network of maps is validated on cut-outs, a detector or classifier on whole images.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from accelerate import Accelerator

from chromseg.config import DetectorConfig, ModelConfig, TrainConfig, variant_config
from chromseg.evaluation.detector_thresholds import learned_masks
from chromseg.evaluation.settling import Known, settle_detector, settle_maps
from chromseg.models.device import usable_device
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.runs import RunTracker, start_run
from chromseg.training.loop import fit
from chromseg.training.result import FitResult
from pipelines.first_card import first_card, origin
from pipelines.profile import Profile, run_stage, stage_arguments
from pipelines.selection import behind, corrections, known_pictures, stains, training, validation
from pipelines.unseen import seen_by


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
    """Choose on validation metaphases what the card still lacks, and say how the training ended."""
    metaphases = validation(profile, config, "metaphase")
    if isinstance(config.model, DetectorConfig):
        masks = learned_masks(result.card, config)
        run.log_params(settle_detector(result.folder, metaphases.samples(), masks, usable_device()))
    elif isinstance(config.model, ModelConfig):
        known = Known(metaphases.samples, metaphases.some, stains(profile), partial(known_pictures, profile, config))
        run.log_params(settle_maps(result.folder, known, usable_device()))
    print(f"{result.folder}: epoch {result.best_epoch + 1} of {result.epochs} kept, {result.metrics}", file=sys.stderr)


if __name__ == "__main__":
    run_stage(main)
