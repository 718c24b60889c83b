"""A ChromSeg network cut back level by level (UNet++ §III-C): what each level finds, what it weighs, how long it takes.

    python -m benchmarks.pruning MODEL [MODEL …] [--profile bioimlab] [--split val]
                                 [--out reports/bioimlab/pruning.json]

Models are folders of networks trained with deep supervision, of several seeds say. Each is judged at every level on the
profile's crossing cut-outs and whole metaphases, with the settings of its card as they are. Milliseconds are of the
network alone, on one cut-out, median of ten.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chromseg.annotations import Sample, read_samples
from chromseg.annotations.index import KINDS
from chromseg.errors import ModelError
from chromseg.evaluation.measuring import judge_samples
from chromseg.evaluation.scores import rounded
from chromseg.files import write_json
from chromseg.inference.load import identity_of, map_predictor
from chromseg.inference.map_predictor import MapPredictor
from chromseg.models.package import load_model
from chromseg.models.unetpp import GridNetwork
from chromseg.registry.lineage.gather import git_state, hardware
from pipelines.profile import Profile
from pipelines.selection import stains

_FIGURES = (
    "perf/infer_ms_per_image",
    "test/iou_crossing",
    "test/iou_foreground",
    "test/overall_acc",
    "test/recovered_80",
    "test/recall_crossing",
    "test/count_mae",
    "test/edits",
)


def main() -> None:
    arguments = _arguments()
    profile = Profile(arguments.profile)
    samples = list(read_samples(profile.prepared, splits=(arguments.split,), datasets=profile.evaluate.datasets))
    told: dict[str, Any] = {"profile": profile.name, "split": arguments.split, "models": {}}
    for model in arguments.models:
        told["models"][str(model)] = rows = judge_levels(model, samples, stains(profile))
        for level, row in rows.items():
            print(model, "level", level, row)
    commit, dirty = git_state()
    write_json(arguments.out, told | {"git_commit": commit, "git_dirty": dirty, "hardware": hardware()})


def judge_levels(folder: Path, samples: Sequence[Sample], stains: Mapping[str, str]) -> dict[int, dict[str, Any]]:
    """By level, shallowest first: weights, milliseconds of the network, and figures (contract §4).

    Args:
        folder: Of a network that was trained with deep supervision.
        samples: Cut-outs and metaphases to judge on.
        stains: Of their datasets.

    Raises:
        ModelError: It has one level.
    """
    return {level: _row(predictor, samples, stains) for level, predictor in levels_of(folder)}


def levels_of(folder: Path) -> Iterator[tuple[int, MapPredictor]]:
    """The network pruned at each of its levels, the last of which is the whole one.

    Raises:
        ModelError: It has one level.
    """
    network, card = load_model(folder, GridNetwork)
    if not network.config.deep_supervision:
        raise ModelError(
            f"{folder}, trained without deep supervision",
            expected="a network with maps at every level, which alone can be pruned",
            remedy="train a variant with `model.deep_supervision: true`",
        )
    for level in network.levels:
        small = network.pruned(level)
        yield level, map_predictor(small, replace(card, architecture=small.config), identity_of(card))


def _row(predictor: MapPredictor, samples: Sequence[Sample], stains: Mapping[str, str]) -> dict[str, Any]:
    cutouts, metaphases = ([each for each in samples if each.kind == kind] for kind in KINDS)
    judged = judge_samples(predictor, cutouts, metaphases, stains)
    if judged is None:
        raise SystemExit("no samples to judge on")
    weights = sum(weight.numel() for weight in predictor.network.parameters())
    return {"weights": weights, **rounded({name: judged.metrics.get(name) for name in _FIGURES})}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--profile", default="bioimlab")
    parser.add_argument("--split", default="val")
    parser.add_argument("--out", type=Path, default=Path("reports/bioimlab/pruning.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
