"""Stage `pretrain`: a detector's backbone learns to name single chromosomes (UCRD-Net §2.1).

Leaves `models/<variant>-<seed>/` with the classifier and `backbone.safetensors`, the file that `model.weights` of a
detector can name, and what the classifier scores on test cases, by class.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from chromseg.annotations import read_dataset, read_samples
from chromseg.config import TrainConfig, variant_config
from chromseg.evaluation.classes import judge_classifier, write_report
from chromseg.models.classifier import Classifier
from chromseg.models.device import usable_device
from chromseg.models.package import load_model
from chromseg.models.ucrd_net.weights import save_backbone
from chromseg.project import dataset_folder
from chromseg.registry.store.runs import RunTracker
from chromseg.training.result import FitResult
from pipelines.profile import Profile, run_stage, stage_arguments
from pipelines.train import train

BACKBONE = "backbone.safetensors"


def main() -> None:
    """Train the classifier, keep its backbone, and judge it on cases that it has not seen."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    config = variant_config(profile.params, arguments.variant, "pretrain")
    report = profile.pretraining(arguments.variant, arguments.seed)
    train(profile, config, arguments.variant, arguments.seed, finish=partial(finish, profile, config, report))


def finish(profile: Profile, config: TrainConfig, report: Path, result: FitResult, run: RunTracker) -> None:
    """Leave the backbone, and what the classifier scores in the folder `report` and in the run."""
    dataset = profile.evaluate.dataset
    network, _ = load_model(result.folder, Classifier)
    save_backbone(result.folder / BACKBONE, network.backbone)
    samples = read_samples(profile.prepared, splits=("test",), kinds=("metaphase",), datasets=(dataset,))
    matrix = judge_classifier(network, samples, config.crop, usable_device())
    metrics = write_report(report, matrix, class_names(dataset))
    run.log_metrics(metrics)
    run.log_artifact(report, "pretraining")
    print(f"{result.folder / BACKBONE}: accuracy {metrics['test/accuracy']} on test cases", file=sys.stderr)


def class_names(dataset: str) -> list[str]:
    """Names of the classes in the order of the labels."""
    categories = read_dataset(dataset_folder(dataset)).categories
    return [categories[number] for number in sorted(categories)]


if __name__ == "__main__":
    run_stage(main)
