"""Make one trained and evaluated variant a bundled model: `bundled/<name>/`, ready for `dvc add bundled`.

The name is its family, `chromseg`, `ucrd-net`, `cascade` or `karyotype`; of an expert, a variant that is judged on some
of the datasets alone, with the variant behind: `chromseg-q-band`. `init --with-bundled` registers it by that name.

python -m pipelines.bundle --profile stains --variant chromseg
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from chromseg.annotations import DatasetCard, read_dataset
from chromseg.config import DetectorConfig, KaryotypeConfig, variant_config
from chromseg.files import replacing, write_text
from chromseg.models.cascade import CascadeConfig
from chromseg.models.package import WEIGHTS, ModelCard, load_model, write_card
from chromseg.project import dataset_folder
from chromseg.registry.card.sections import model_card
from chromseg.registry.lineage.gather import dvc_stage_hash
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Copy the weights, put the test scores into the card, and write MODEL_CARD.md."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    model = profile.model(arguments.variant, arguments.seed)
    network, card = load_model(model)
    scores = json.loads((profile.scores(arguments.variant, arguments.seed) / "metrics.json").read_text())
    lineage = card.lineage | {"dvc_stage": dvc_stage_hash(model)}
    card = replace(card, metrics={**card.metrics, **scores["metrics"], **scores.get("slices", {})}, lineage=lineage)
    parameters = sum(weight.numel() for weight in network.parameters())
    target = Path("bundled") / bundled_name(profile, card)
    with replacing(target) as root:
        root.mkdir()
        shutil.copyfile(model / WEIGHTS, root / WEIGHTS)
        write_card(root, card)
        text = model_card(card, known_datasets(card), scores["intervals"], parameters, initial_weights(profile, card))
        write_text(root / "MODEL_CARD.md", text)
    size = (target / WEIGHTS).stat().st_size / 2**20
    then = "now `dvc add bundled && dvc push bundled.dvc`"
    print(f"{target}: {parameters:,} weights, {size:.1f} MiB; {then}", file=sys.stderr)


def bundled_name(profile: Profile, card: ModelCard) -> str:
    """Its family; with the variant behind it if that is an expert."""
    if isinstance(card.architecture, CascadeConfig | KaryotypeConfig):
        return family(card)
    variant = card.lineage["variant"]
    return f"{family(card)}-{variant}" if variant_config(profile.params, variant).judged_on else family(card)


def family(card: ModelCard) -> str:
    """The name under which a model of this architecture is registered."""
    if isinstance(card.architecture, CascadeConfig):
        return "cascade"
    if isinstance(card.architecture, KaryotypeConfig):
        return "karyotype"
    return "ucrd-net" if isinstance(card.architecture, DetectorConfig) else "chromseg"


def known_datasets(card: ModelCard) -> list[DatasetCard]:
    """The cards of all datasets that the model, or a parent of it, has seen."""
    return [read_dataset(dataset_folder(name)).card for name in card.lineage["data_md5"]]


def initial_weights(profile: Profile, card: ModelCard) -> str:
    """What training started from, in words."""
    if isinstance(card.architecture, CascadeConfig):
        own = [name for name in ("verifier", "corrector") if getattr(card.architecture, name)]
        return f"{'random ones of its ' + ' and '.join(own) if own else 'none of its own'}; its parents'"
    stage = "karyotype" if isinstance(card.architecture, KaryotypeConfig) else "train"
    config = variant_config(profile.params, card.lineage["variant"], stage)
    if config.init_parts:
        return f"{' and '.join(config.init_parts)}: those of {Path(config.init).name}; else random"
    if config.init:
        return f"those of variant {Path(config.init).name}, trained by the same profile"
    if isinstance(card.architecture, DetectorConfig) and card.architecture.weights:
        return f"backbone: {card.architecture.weights}; else random"
    return "random"


if __name__ == "__main__":
    run_stage(main)
