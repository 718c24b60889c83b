"""Put one trained and evaluated variant into the box: `bundled/<experiment>/`, ready for `dvc add bundled`.

python -m pipelines.bundle --profile bioimlab --variant final
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from chromseg.annotations import read_dataset
from chromseg.config import EvaluateConfig, PrepareConfig, block, parse, variant_config
from chromseg.files import replacing, write_text
from chromseg.models.package import WEIGHTS, load_model, write_card
from chromseg.registry.model_card import model_card
from chromseg.registry.provenance import dvc_stage_hash
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Copy the weights, put the test scores into the card, and write MODEL_CARD.md."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    evaluate = parse(EvaluateConfig, block(profile.params, "evaluate"), "evaluate")
    prepare = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    model = profile.model(arguments.variant, arguments.seed)
    scores = json.loads((profile.scores(arguments.variant, arguments.seed) / "metrics.json").read_text())
    network, card = load_model(model)
    lineage = card.lineage | {"dvc_stage": dvc_stage_hash(model)}
    card = replace(card, metrics={**card.metrics, **scores["metrics"]}, lineage=lineage)
    datasets = [read_dataset(Path("data") / name).card for name in prepare.datasets]
    parameters = sum(weight.numel() for weight in network.parameters())
    start = variant_config(profile.params, arguments.variant).init
    initial = f"those of variant {Path(start).name}, trained by the same profile" if start else "random"
    target = Path("bundled") / evaluate.experiment
    with replacing(target) as root:
        root.mkdir()
        shutil.copyfile(model / WEIGHTS, root / WEIGHTS)
        write_card(root, card)
        write_text(root / "MODEL_CARD.md", model_card(card, datasets, scores["intervals"], parameters, initial))
    print(f"{target}: {parameters:,} weights; now `dvc add bundled && dvc push bundled.dvc`", file=sys.stderr)


if __name__ == "__main__":
    run_stage(main)
