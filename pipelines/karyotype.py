"""Stage `karyotype`: a small network learns to name single chromosomes, straightened, and to say which end is up.

Leaves `models/<variant>-<seed>/` like `train`; the stage `karyogram` judges it.
"""

from __future__ import annotations

import re
import sys

from chromseg.annotations import Dataset, read_dataset
from chromseg.config import PrepareConfig, block, parse, variant_config
from chromseg.errors import DataError
from chromseg.karyogram.classes import CLASSES
from chromseg.project import dataset_folder
from chromseg.registry.store.runs import RunTracker
from chromseg.training.result import FitResult
from pipelines.profile import Profile, run_stage, stage_arguments
from pipelines.train import train

_GROUP = re.compile(r"^[A-G](?=\d)")  # that some sets write before a class


def main() -> None:
    """Train the network, track, and leave the model folder."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    config = variant_config(profile.params, arguments.variant, "karyotype")
    for name in parse(PrepareConfig, block(profile.params, "prepare"), "prepare").datasets:
        check_classes(read_dataset(dataset_folder(name)))
    train(profile, config, arguments.variant, arguments.seed, finish=finish)


def check_classes(dataset: Dataset) -> None:
    """Refuse a set whose classes, in the order of their ids, are not those of a karyogram; `A1` is read as `1`.

    Raises:
        DataError: There are more or fewer, or one has another name.
    """
    names = [_GROUP.sub("", dataset.categories[number]) for number in sorted(dataset.categories)]
    if names != list(CLASSES):
        other = [name for name, wanted in zip(names, CLASSES, strict=False) if name != wanted]
        raise DataError(
            f"dataset {dataset.card.name} of {len(names)} classes, the first of another name: {(other or ['none'])[0]}",
            expected=f"{len(CLASSES)} classes, 1 to 22, X and Y, in this order of their ids",
            remedy="leave it out of `prepare.datasets`, or import it with these classes",
        )


def finish(result: FitResult, run: RunTracker) -> None:
    """Say how the training ended."""
    print(f"{result.folder}: epoch {result.best_epoch + 1} of {result.epochs} kept, {result.metrics}", file=sys.stderr)


if __name__ == "__main__":
    run_stage(main)
