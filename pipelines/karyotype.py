"""Stage `karyotype`: a small network learns to name single chromosomes, straightened, and to say which end is up.

Leaves `models/<variant>-<seed>/` like `train`; the stage `karyogram` judges it.
"""

from __future__ import annotations

import sys

from chromseg.config import variant_config
from chromseg.registry.store.runs import RunTracker
from chromseg.training.result import FitResult
from pipelines.profile import Profile, run_stage, stage_arguments
from pipelines.train import train


def main() -> None:
    """Train the network, track, and leave the model folder."""
    arguments = stage_arguments(__doc__, variant=True)
    profile = Profile(arguments.profile)
    config = variant_config(profile.params, arguments.variant, "karyotype")
    train(profile, config, arguments.variant, arguments.seed, finish=finish)


def finish(result: FitResult, run: RunTracker) -> None:
    """Say how the training ended."""
    print(f"{result.folder}: epoch {result.best_epoch + 1} of {result.epochs} kept, {result.metrics}", file=sys.stderr)


if __name__ == "__main__":
    run_stage(main)
