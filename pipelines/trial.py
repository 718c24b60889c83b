"""One trial of `runs search`: a variant with other parameters, trained, and judged on its validation cases.

Prints a line of JSON for each epoch. It keeps nothing, and never looks at a test case.

    python -m pipelines.trial --profile default --variant unet --overrides '{"optim": {"lr": 0.001}}'
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from chromseg.config import ModelConfig, block, merge, variant_config
from chromseg.project import DEFAULT
from chromseg.training.loop import fit
from chromseg.training.tracker import NullTracker
from pipelines.profile import Profile, run_stage
from pipelines.selection import training, validation


class Teller(NullTracker):
    """Prints the metrics of each epoch."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """As of `Tracker`."""
        print(json.dumps({"epoch": step, **metrics}), flush=True)


def main() -> None:
    """Train, and tell of each epoch."""
    arguments = _arguments()
    profile = Profile(arguments.profile)
    params = profile.params
    variants = block(params, "train", "variants")
    own = merge(block(params, "train", "variants", arguments.variant), json.loads(arguments.overrides))
    params["train"] = params["train"] | {"variants": variants | {arguments.variant: own}}
    config = variant_config(params, arguments.variant)
    kind = "cutout" if isinstance(config.model, ModelConfig) else "metaphase"
    with tempfile.TemporaryDirectory() as scratch:
        fit(
            config,
            training(profile, config).samples(),
            validation(profile, config, kind).samples(),
            Path(scratch) / "model",
            seed=arguments.seed,
            tracker=Teller(),
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default=DEFAULT, help="folder below profiles/")
    parser.add_argument("--variant", required=True, help="key of `train.variants`")
    parser.add_argument("--overrides", default="{}", help="JSON: what is other than in the variant")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and random choices")
    return parser.parse_args()


if __name__ == "__main__":
    run_stage(main)
