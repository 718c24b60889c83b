"""What is known of a model before it is trained: its lineage, and the card that training goes on from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from chromseg.annotations import read_dataset
from chromseg.config import DetectorConfig, KaryotypeConfig, ModelConfig, PrepareConfig, TrainConfig, block, parse
from chromseg.evaluation.map_thresholds import at_threshold
from chromseg.inference.instance_predictor import InstanceSettings
from chromseg.inference.postprocess import PostprocessSettings
from chromseg.models.package import ModelCard
from chromseg.project import dataset_folder
from chromseg.registry.lineage.gather import gather_lineage
from chromseg.registry.lineage.lineage import Lineage
from chromseg.validation import ImageLimits
from pipelines.profile import Profile
from pipelines.selection import judging
from pipelines.validate import passed


def first_card(profile: Profile, config: TrainConfig, lineage: Lineage) -> ModelCard:
    """What is known of the model before it is trained."""
    data = [read_dataset(dataset_folder(name)).card for name in judging(profile, config)]
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
    datasets, tested = (config.dataset, *corrected_by) if alone else prepare.datasets, judging(profile, config)
    lineage = gather_lineage(
        experiment=profile.evaluate.experiment if _named_by_profile(config) else "ucrd-net",
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


def _named_by_profile(config: TrainConfig) -> bool:
    """Whether the profile says in which experiment the run goes; detectors have one."""
    return isinstance(config.model, ModelConfig | KaryotypeConfig)


def _each(words: Iterable[str]) -> str:
    """Each word once, in the order of the datasets that judge."""
    return ", ".join(dict.fromkeys(words))


def _preprocessing(config: TrainConfig) -> dict[str, Any]:
    """What predictions are made with, written down in full: later defaults must not change an old model."""
    seen = {"tone": config.tone, "half_turn": config.half_turn}
    if isinstance(config.model, ModelConfig):
        postprocess = at_threshold(PostprocessSettings(contact=config.seams), config.chromosome_threshold)
        return seen | {"postprocess": asdict(postprocess)}
    if isinstance(config.model, DetectorConfig):
        return seen | {"instances": asdict(InstanceSettings(score=config.instance_score))}
    return {}
