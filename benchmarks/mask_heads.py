"""Mask heads against each other: one trunk, trained by all of them at once, and each judged on the same boxes.

    python -m benchmarks.mask_heads [--profile stains-ucrd] [--variants plain-2 plain box-aware bilayer …]
                                    [--steps 2600] [--images 30] [--out reports/stains-ucrd/mask_heads.json]

Trunk and crops are those of the first variant. In training, heads see true boxes shaken to IoU 0.7 and more, no
proposals; each gives an equal part of the trunk's gradient. Afterwards each draws the chromosomes of validation
pictures from their true boxes and from shaken ones. Told is the share of masks at IoU ≥ 0.8, by dataset, of chromosomes
that cross another and of the others. For six heads it takes three CPU-hours (100 steps took seven minutes); it needs
the profile's prepared samples.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chromseg.annotations import Sample, read_samples
from chromseg.annotations.clusters import MIN_CROSSING_AREA
from chromseg.arrays import F64, Bool
from chromseg.boxes import boxes_of
from chromseg.config import DetectorConfig, TrainConfig, variant_config
from chromseg.files import write_json
from chromseg.images.tone import toned
from chromseg.models import build_model
from chromseg.models.ucrd_net import Target, UCRDNet, paste_masks
from chromseg.models.ucrd_net.mask_boxes import shaken
from chromseg.models.ucrd_net.mask_head import MaskHead
from chromseg.models.ucrd_net.mask_training import mask_losses
from chromseg.models.ucrd_net.sampling import Samples
from chromseg.models.ucrd_net.seeding import seeded
from chromseg.registry.lineage.gather import git_state, hardware
from chromseg.training.instances import InstanceSet
from chromseg.training.optim import AveragedNetwork, learning_rate, make_optimizer
from pipelines.profile import Profile

VARIANTS = ("plain-2", "plain", "box-aware", "bilayer", "rd-context", "conditional")
_TOLD = 100  # steps
_FITS = 0.8  # IoU


class Heads(nn.Module):
    """A detector's backbone and pyramid, and the mask head of each variant.

    Args:
        configs: Of the variants; the first one's trunk, with finer features if any of them reads some.
        seed: Of the first weights.
    """

    def __init__(self, configs: Mapping[str, DetectorConfig], seed: int = 0) -> None:
        super().__init__()
        widths = {config.mask_detail for config in configs.values()} - {0}
        if len(widths) > 1:
            raise SystemExit(f"finer features of {sorted(widths)} channels; one trunk has them of one width")
        torch.manual_seed(seed)
        first = next(iter(configs.values()))
        trunk = build_model(replace(first, mask_detail=max(widths, default=0), anchors="default"))
        assert isinstance(trunk, UCRDNet)
        self.trunk = trunk
        self.heads = nn.ModuleDict()
        for name, config in configs.items():
            self.heads[name] = seeded("mask", lambda own=config: MaskHead(own), seed)  # type: ignore[misc]

    def losses(self, images: Sequence[Tensor], targets: Sequence[Target]) -> dict[str, Tensor]:
        """The loss of each head on shaken true boxes."""
        batch, features = self.trunk.features(images)
        chosen = [
            self._drawn(shaken(target.boxes * factor, target.labels, size))
            for target, factor, size in zip(targets, batch.factors, batch.sizes, strict=True)
        ]
        return {
            name: torch.stack(
                list(mask_losses(self._head(name), None, features, chosen, targets, batch.factors).values())
            ).sum()
            for name in self.heads
        }

    def draw(self, image: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        """Each head's masks bool (R, H, W) of boxes (R, 4) in an image float32 (1, H, W)."""
        batch, features = self.trunk.features([image])
        height, width = image.shape[-2:]
        return {
            name: paste_masks(
                self._head(name).predict(self._head(name).read(features, [boxes * batch.factors[0]])).own.sigmoid(),
                boxes,
                (height, width),
            )
            for name in self.heads
        }

    def _head(self, name: str) -> MaskHead:
        head = self.heads[name]
        assert isinstance(head, MaskHead)
        return head

    def _drawn(self, samples: Samples) -> Samples:
        order = torch.randperm(len(samples.boxes))
        return samples.take(order[: self.trunk.config.mask_samples])


def train(heads: Heads, dataset: InstanceSet, config: TrainConfig, steps: int) -> Heads:
    """Train trunk and heads; the averaged weights."""
    optim = config.optim
    average, optimizer = AveragedNetwork(heads, optim.ema), make_optimizer(heads, optim)
    told: Counter[str] = Counter()
    for step in range(steps):
        items = [dataset[step * optim.batch_size + index] for index in range(optim.batch_size)]
        losses = heads.losses([item["image"] for item in items], [item["target"] for item in items])
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(optim, step, steps)
        optimizer.zero_grad()
        torch.stack(list(losses.values())).mean().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(heads.parameters(), optim.clip_norm)
        optimizer.step()
        average.update(heads, step)
        told.update({name: float(loss.detach()) for name, loss in losses.items()})
        if (step + 1) % _TOLD == 0:
            print(step + 1, {name: round(total / _TOLD, 3) for name, total in told.items()}, file=sys.stderr)
            told.clear()
    assert isinstance(average.network, Heads)
    return average.network


@torch.inference_mode()
def judge(heads: Heads, samples: Sequence[Sample], tone: float) -> dict[str, dict[str, Any]]:
    """By dataset and kind of chromosome: how many there are, and the share that each head draws well."""
    found: dict[str, dict[str, list[Bool]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        assert sample.masks is not None
        image = torch.from_numpy(toned(sample.image, tone))[None]
        true = torch.tensor(boxes_of(sample.masks), dtype=torch.float32)
        torch.manual_seed(0)
        moved = shaken(true, torch.ones(len(true), dtype=torch.int64), sample.image.shape)
        crosses = (sample.masks & sample.crossing).sum(axis=(1, 2)) >= MIN_CROSSING_AREA
        drawn_from = {"true box": (true, np.arange(len(true))), "shaken box": (moved.boxes, moved.matched.numpy())}
        for kind, (boxes, own) in drawn_from.items():
            for name, masks in heads.draw(image, boxes).items():
                fits = _ious(masks.numpy(), sample.masks[own]) >= _FITS
                for of, wanted in (("crossing", crosses[own]), ("others", ~crosses[own])):
                    found[f"{sample.dataset}, {of}, {kind}"][name].append(fits[wanted])
    shares = {}
    for row, columns in sorted(found.items()):
        joined = {name: np.concatenate(each) for name, each in columns.items()}
        count = len(next(iter(joined.values())))
        shares[row] = {"n": count} | {name: float(each.mean()) if count else None for name, each in joined.items()}
    return shares


def _ious(masks: Bool, truth: Bool) -> F64:
    """IoU of each of bool (N, H, W) with its own truth (N, H, W): float (N,)."""
    common, either = (both.sum(axis=(1, 2)) for both in (masks & truth, masks | truth))
    return np.asarray(common / np.maximum(either, 1))


def main() -> None:
    arguments = _arguments()
    profile = Profile(arguments.profile)
    configs = {name: variant_config(profile.params, name) for name in arguments.variants}
    config = next(iter(configs.values()))
    models = {name: each.model for name, each in configs.items() if isinstance(each.model, DetectorConfig)}
    steps = replace(config.optim, epochs=1, steps_per_epoch=arguments.steps)
    whole = ("metaphase",)
    dataset = InstanceSet(
        read_samples(profile.prepared, splits=("train",), kinds=whole), replace(config, optim=steps), arguments.seed
    )
    heads = train(Heads(models, arguments.seed), dataset, config, arguments.steps)
    shares = judge(heads, list(_some(profile.prepared, arguments.images)), config.tone)
    commit, dirty = git_state()
    told = {"profile": profile.name, "steps": arguments.steps, "seed": arguments.seed, "hardware": hardware()}
    write_json(arguments.out, {"shares": shares, **told, "git_commit": commit, "git_dirty": dirty})
    for row, columns in shares.items():
        print(row, {name: share if share is None else round(share, 3) for name, share in columns.items()})


def _some(prepared: Path, count: int) -> list[Sample]:
    """The first `count` validation pictures with masks of each dataset."""
    known = [
        sample
        for sample in read_samples(prepared, splits=("val",), kinds=("metaphase",))
        if sample.masks is not None and not sample.derived
    ]
    datasets = dict.fromkeys(sample.dataset for sample in known)
    return [sample for name in datasets for sample in islice((one for one in known if one.dataset == name), count)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="stains-ucrd")
    parser.add_argument("--variants", nargs="+", default=VARIANTS)
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--images", type=int, default=30, help="validation pictures of each dataset")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("reports/stains-ucrd/mask_heads.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
