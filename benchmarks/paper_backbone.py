"""The paper's own backbone within minutes of one GPU, on a machine that has neither network nor data.

    python -m benchmarks.paper_backbone pack --profile ucrd-net --out shared/ucrd-net.npz     # here
    python -m benchmarks.paper_backbone run shared/ucrd-net.npz --out OUT --minutes 8         # there
           [--profile ucrd-net] [--variants baseline uc rd uc-rd] [--seeds 0 1 2] [--steps 3000]
           [--backbone resnet101] [--weights FILE] [--images 26] [--keep uc-rd]

`pack` writes the profile's prepared metaphases as one file. `run` trains each variant from the same first weights for
equally many steps: as many as the minutes allow, by a first measurement of each. It leaves `scores.csv` (test pictures;
what time did not allow is "not measured"), `paired.csv` (differences to the first variant over the seeds, with 95 %
intervals), `curves.csv`, and the kept variant's weights in half precision. Backbone weights are a file, or random ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from chromseg.annotations.samples import Sample, read_samples
from chromseg.config import DetectorConfig, OptimConfig, TrainConfig, read_params, variant_config
from chromseg.errors import DataError
from chromseg.evaluation.tables import write_table
from chromseg.files import replacing
from chromseg.metrics.catalogue import BY_EPOCH
from chromseg.metrics.report import half_width
from chromseg.models.package import load_model, save_model
from chromseg.training.instance_task import InstanceTask
from chromseg.training.loop import fit

_TRIAL_STEPS = 3
_FOR_TRAINING = 0.75  # of the minutes; the rest is for judging and writing
_EPOCHS = 3
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        configs: Of each variant, the one that others are compared with first.
        seeds: Of each variant.
        minutes: In all.
        steps: Of each run, at most.
        images: Validation and test pictures at most, each.
        keep: The variant whose weights of the first seed are kept.
    """

    configs: Mapping[str, TrainConfig]
    seeds: Sequence[int]
    minutes: float
    steps: int
    images: int
    keep: str


class Pictures(NamedTuple):
    """What is trained on, what chooses the epoch, and what is judged."""

    train: list[Sample]
    val: list[Sample]
    test: list[Sample]


def pack(prepared: Path, out: Path) -> int:
    """Write all metaphases with masks of a prepared set as one file; returns how many."""
    arrays: dict[str, np.ndarray] = {}
    entries: list[dict[str, str]] = []
    for sample in read_samples(prepared, kinds=("metaphase",)):
        if sample.masks is None:
            continue
        key = f"{len(entries):04}"
        arrays[f"{key}/image"] = np.round(np.clip(sample.image, 0, 1) * 255).astype(np.uint8)
        arrays[f"{key}/masks"] = np.packbits(sample.masks, axis=-1)
        entries.append({"name": sample.name, "case_id": sample.case_id, "split": sample.split})
    arrays["index"] = np.frombuffer(json.dumps(entries).encode(), dtype=np.uint8)
    with replacing(out) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return len(entries)


def unpack(path: Path, split: str, most: int | None = None) -> Iterator[Sample]:
    """The packed metaphases of a split, the first `most` of them.

    Raises:
        DataError: There is no such file, or it is no pack.
    """
    try:
        packed = np.load(path)
        entries = json.loads(packed["index"].tobytes())
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path} is no pack ({error})", expected="a file of `pack`", remedy="pack it again") from error
    chosen = [(number, entry) for number, entry in enumerate(entries) if entry["split"] == split][:most]
    for number, entry in chosen:
        image = packed[f"{number:04}/image"]
        masks = np.unpackbits(packed[f"{number:04}/masks"], axis=-1, count=image.shape[1]).astype(bool)
        yield Sample.from_masks(**entry, kind="metaphase", image=image.astype(np.float32) / 255, masks=masks)


def run(path: Path, plan: Plan, out: Path) -> list[Row]:
    """Train and judge what the minutes allow; returns the rows of `scores.csv`."""
    started = time.monotonic()
    pictures = Pictures(
        list(unpack(path, "train")), list(unpack(path, "val", plan.images)), list(unpack(path, "test", plan.images))
    )
    rows: list[Row] = []
    curves: list[Row] = []
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        steps, seconds = _steps(plan, pictures.train, Path(scratch) / "trial")
        for seed in plan.seeds:  # seed by seed, so that what time allows is paired
            for variant, config in plan.configs.items():
                row: Row = {"variant": variant, "seed": seed, "steps": 0} | dict.fromkeys(BY_EPOCH, "not measured")
                if time.monotonic() - started + seconds[variant] * steps <= 60 * plan.minutes:
                    model = Path(scratch) / f"{variant}-{seed}"
                    scores, history = _one(_of_length(config, steps), pictures, model, seed)
                    row |= {"steps": steps} | scores
                    curves += [{"variant": variant, "seed": seed} | each for each in history]
                rows.append(row)
                print(f"{time.monotonic() - started:.0f} s: {row}", file=sys.stderr, flush=True)
                _write(out / "scores.csv", rows)
                _write(out / "curves.csv", curves)
                _write(out / "paired.csv", paired_differences(rows, next(iter(plan.configs))))
        _keep(Path(scratch) / f"{plan.keep}-{plan.seeds[0]}", out / "weights" / plan.keep)
    return rows


def paired_differences(rows: Sequence[Row], baseline: str) -> list[Row]:
    """Each variant less the baseline over the seeds that both have, each metric: mean, and 95 % half-width by t."""
    measured = {(row["variant"], row["seed"]): row for row in rows if row["steps"]}
    seeds = sorted({seed for variant, seed in measured if variant == baseline})
    table = []
    for variant in dict.fromkeys(row["variant"] for row in rows if row["variant"] != baseline):
        both = [seed for seed in seeds if (variant, seed) in measured]
        for metric in BY_EPOCH if both else ():
            pairs = [(measured[variant, seed][metric], measured[baseline, seed][metric]) for seed in both]
            known = [one - other for one, other in pairs if "" not in (one, other)]
            mean, width = float(np.mean(known)) if known else "", half_width(known)
            row = {"variant": variant, "metric": metric, "seeds": len(known), "mean": mean}
            table.append(row | {"half_width": "" if width is None else width})
    return table


def _steps(plan: Plan, train: Sequence[Sample], folder: Path) -> tuple[int, dict[str, float]]:
    """How many steps each run may have, and the seconds of one step of each variant."""
    seconds = {}
    for variant, config in plan.configs.items():
        result = fit(
            _of_length(config, _TRIAL_STEPS, 2), train, [], folder / variant, seed=0
        )  # the first epoch warms up
        seconds[variant] = config.optim.batch_size / result.history[-1]["perf/train_images_per_s"]
    available = 60 * plan.minutes * _FOR_TRAINING
    allowed = int(available / (sum(seconds.values()) * len(plan.seeds)))
    return max(_EPOCHS, min(plan.steps, allowed)), seconds


def _one(config: TrainConfig, pictures: Pictures, folder: Path, seed: int) -> tuple[Row, list[Row]]:
    """Train and judge one variant: its scores, and its metrics by epoch."""
    result = fit(config, pictures.train, pictures.val, folder, seed=seed, resume=False)
    network, _ = load_model(folder)
    task, device = InstanceTask(), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device)
    with torch.inference_mode():
        scores = [task.judge(network, task.kept(sample), config, device) for sample in pictures.test]
    found = task.summarize(scores)
    known = {name: found.get(f"val/{name}") for name in BY_EPOCH}
    history: list[Row] = [dict(each) for each in result.history]
    return {name: "" if value is None else value for name, value in known.items()}, history


def _of_length(config: TrainConfig, steps: int, epochs: int = _EPOCHS) -> TrainConfig:
    each = max(1, steps // epochs)
    warm = min(config.optim.warmup_steps, steps // 5)
    optim: OptimConfig = replace(config.optim, epochs=epochs, steps_per_epoch=each, warmup_steps=warm, patience=0)
    return replace(config, optim=optim, hardware=replace(config.hardware, checkpoint_steps=0))


def _keep(model: Path, out: Path) -> None:
    """A model folder again, its weights in half precision."""
    if model.is_dir():
        network, card = load_model(model)
        out.mkdir(parents=True, exist_ok=True)
        save_model(out, network.half(), card)


def _write(path: Path, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as temporary:
        write_table(temporary, [{name: row.get(name, "") for name in names} for row in rows])


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The profile's variants on one backbone, all from the same first weights."""
    params = read_params(Path("profiles") / arguments.profile / "params.yaml")
    configs = {}
    for variant in arguments.variants:
        config = variant_config(params, variant)
        assert isinstance(config.model, DetectorConfig)
        model = replace(config.model, backbone=arguments.backbone, weights=arguments.weights)
        model = (
            model if arguments.weights else replace(model, norm="batch")
        )  # statistics of random weights mean nothing
        configs[variant] = replace(config, model=model)
    keep = arguments.keep or arguments.variants[-1]
    return Plan(configs, arguments.seeds, arguments.minutes, arguments.steps, arguments.images, keep)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    packing, running = verbs.add_parser("pack"), verbs.add_parser("run")
    for each in (packing, running):
        each.add_argument("--profile", default="ucrd-net")
        each.add_argument("--out", type=Path, required=True)
    running.add_argument("packed", type=Path)
    running.add_argument("--variants", nargs="+", default=["baseline", "uc", "rd", "uc-rd"])
    running.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    running.add_argument("--minutes", type=float, default=8.0)
    running.add_argument("--steps", type=int, default=3000)
    running.add_argument("--images", type=int, default=26)
    running.add_argument("--backbone", default="resnet101")
    running.add_argument("--weights", default="")
    running.add_argument("--keep", default="")
    arguments = parser.parse_args()
    if arguments.verb == "pack":
        count = pack(Path("profiles") / arguments.profile / "prepared", arguments.out)
        print(f"{count} metaphases in {arguments.out}, {arguments.out.stat().st_size / 2**20:.1f} MiB", file=sys.stderr)
    else:
        run(arguments.packed, plan_of(arguments), arguments.out)


if __name__ == "__main__":
    main()
