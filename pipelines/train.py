"""Stage `train`: one variant × seed → `models/<variant>-<seed>/` and an MLflow run.

A network of maps is validated on cut-outs, a detector or classifier on whole images.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from chromseg.annotations import read_dataset, read_samples
from chromseg.config import (
    DetectorConfig,
    EvaluateConfig,
    ModelConfig,
    PrepareConfig,
    TrainConfig,
    block,
    parse,
    variant_config,
)
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.models.package import ModelCard
from chromseg.registry.lineage import Lineage
from chromseg.registry.provenance import gather_lineage
from chromseg.registry.tracking import start_run
from chromseg.training.loop import fit
from chromseg.training.result import FitResult
from pipelines.detectors import choose_threshold
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Train, track, and leave the model folder."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    config = variant_config(profile.params, arguments.variant)
    result = train(profile, config, arguments.variant, arguments.seed)
    print(f"{result.folder}: epoch {result.best_epoch + 1} of {result.epochs} kept, {result.metrics}", file=sys.stderr)


def train(profile: Profile, config: TrainConfig, variant: str, seed: int) -> FitResult:
    """Train one variant; a training that was interrupted goes on from its checkpoint, in the same run."""
    evaluate = parse(EvaluateConfig, block(profile.params, "evaluate"), "evaluate")
    maps = isinstance(config.model, ModelConfig)
    lineage = origin(profile, config, variant, seed)
    folder = profile.model(variant, seed)
    checkpoint = Path("mlruns") / "checkpoints" / profile.name / f"{folder.name}.pt"  # DVC clears `folder` before a run
    fold = None if config.fold is None else (config.fold, evaluate.folds)
    card = read_dataset(Path("data") / evaluate.dataset).card
    validation = partial(
        read_samples,
        profile.prepared,
        splits=() if "val" in config.train_on else ("val",),
        kinds=("cutout",) if maps else ("metaphase",),
        dataset=evaluate.dataset,
        fold=fold,
    )
    with start_run(lineage, resume=checkpoint.is_file()) as run:
        lineage = replace(lineage, run_id=run.run_id)
        result = fit(
            config,
            read_samples(
                profile.prepared, splits=config.train_on, kinds=config.samples, dataset=config.dataset, fold=fold
            ),
            validation(),
            folder,
            seed=seed,
            tracker=run,
            card=ModelCard(
                name=variant,
                architecture=config.model,
                stain=card.stain,
                polarity=card.polarity,
                preprocessing=_preprocessing(config) if maps else {},
                partition=asdict(config.partition) if maps else {},
                lineage=lineage.to_dict(),
            ),
            tags=lineage.tags(),
            checkpoint=checkpoint,
        )
        if isinstance(config.model, DetectorConfig):
            run.log_params({"threshold": choose_threshold(folder, validation())})
    return result


def origin(profile: Profile, config: TrainConfig, variant: str, seed: int) -> Lineage:
    """The lineage: the data that trains, validates or tests the variant, and that which its first weights have seen.

    The cases of all prepared datasets are dealt to folds together, so with a fold all of them decide.
    """
    prepare = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    evaluate = parse(EvaluateConfig, block(profile.params, "evaluate"), "evaluate")
    alone = config.dataset and config.fold is None
    return gather_lineage(
        experiment=evaluate.experiment if isinstance(config.model, ModelConfig) else "ucrd-net",
        variant=variant,
        seed=seed,
        datasets=(config.dataset,) if alone else prepare.datasets,
        tested=evaluate.dataset,
        sources=(config.init, getattr(config.model, "weights", "")),
        profile=profile.name,
        ablation=config.ablation,
        validation=True,  # the stage `validate` stops the pipeline on any failure
    )


def _preprocessing(config: TrainConfig) -> dict[str, Any]:
    """What predictions of maps are made with, written down in full: later defaults must not change an old model."""
    return {"half_turn": config.half_turn, "postprocess": asdict(PostprocessSettings())}


if __name__ == "__main__":
    run_stage(main)
