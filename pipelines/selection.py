"""Which of the prepared samples a variant learns from, is chosen by, and is judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chromseg.annotations import SPLITS, Sample, load_image, read_dataset, read_samples
from chromseg.annotations.index import KINDS, SampleEntry, read_index
from chromseg.annotations.preparation import at_width
from chromseg.annotations.samples import read_entries
from chromseg.arrays import F32
from chromseg.config import PrepareConfig, TrainConfig, block, parse
from chromseg.project import dataset_folder
from pipelines.profile import Profile

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """Part of a prepared set, by the words of `read_samples`."""

    folder: Path
    splits: tuple[str, ...] = SPLITS
    kinds: tuple[str, ...] = KINDS
    datasets: tuple[str, ...] = ()
    fold: tuple[int, int] | None = None

    def samples(self) -> Iterator[Sample]:
        """Its samples, read one after another."""
        return read_samples(self.folder, splits=self.splits, kinds=self.kinds, datasets=self.datasets, fold=self.fold)

    def some(self, most: int) -> Iterator[Sample]:
        """At most so many of each dataset, evenly spread over its own, where all would take too long."""
        by_set: dict[str, list[SampleEntry]] = {}
        for entry in self.entries():
            by_set.setdefault(entry.dataset, []).append(entry)
        return read_entries(self.folder, (entry for own in by_set.values() for entry in evenly(own, most)))

    def entries(self) -> list[SampleEntry]:
        """What the index says of them."""
        return read_index(self.folder, splits=self.splits, kinds=self.kinds, datasets=self.datasets, fold=self.fold)


def stains(profile: Profile) -> dict[str, str]:
    """The stain of each dataset that is prepared or judges."""
    prepare = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    names = dict.fromkeys((*prepare.datasets, *profile.evaluate.datasets))
    return {name: read_dataset(dataset_folder(name)).card.stain for name in names}


def judging(profile: Profile, config: TrainConfig) -> tuple[str, ...]:
    """The datasets whose cases choose and judge the variant."""
    return config.judged_on or profile.evaluate.datasets


def known_pictures(profile: Profile, config: TrainConfig, most: int) -> Iterator[tuple[str, F32]]:
    """Stain and absorbance float32 (H, W) of pictures by which the look of each stain of the variant is learned.

    They are real ones of training and validation cases, at most so many of either from a dataset, at the scale at which
    the samples are.
    """
    width = parse(PrepareConfig, block(profile.params, "prepare"), "prepare").width
    stain_of = stains(profile)
    own = {stain_of[name] for name in judging(profile, config)}
    for name in profile.evaluate.looks or judging(profile, config):
        dataset = read_dataset(dataset_folder(name))
        if dataset.card.stain not in own:
            continue
        for split in ("train", "val"):
            for image in evenly(dataset.in_split(split), most):
                yield dataset.card.stain, at_width(load_image(dataset, image), width)


def everything(profile: Profile, config: TrainConfig) -> Part:
    """All samples, each in the split it has for this variant."""
    return Part(profile.prepared, fold=_fold(profile, config))


def training(profile: Profile, config: TrainConfig) -> Part:
    """What the variant trains on."""
    return Part(profile.prepared, config.train_on, config.samples, _only(config.dataset), _fold(profile, config))


def validation(profile: Profile, config: TrainConfig, *kinds: str) -> Part:
    """Samples of some kinds that its epoch or its threshold is chosen by; none if they train."""
    splits = () if "val" in config.train_on else ("val",)
    return Part(profile.prepared, splits, kinds, judging(profile, config), _fold(profile, config))


def held_out(profile: Profile, config: TrainConfig, split: str, *kinds: str) -> Part:
    """Samples of some kinds of the datasets that it is judged by; `split` is test, or val for studies."""
    return Part(profile.prepared, (split,), kinds or KINDS, judging(profile, config), _fold(profile, config))


def judging_samples(profile: Profile, part: Part) -> Iterator[Sample]:
    """The samples of a part; of cut-outs only as many as the profile wants judged."""
    most = profile.evaluate.cutouts
    return part.some(most) if most and part.kinds == ("cutout",) else part.samples()


def behind(profile: Profile, config: TrainConfig) -> tuple[Part, ...]:
    """All that decides what becomes of the variant: what it learns from, what chooses it, what tests it."""
    return training(profile, config), validation(profile, config, *KINDS), held_out(profile, config, "test")


def corrections(profile: Profile, *parts: Part) -> list[str]:
    """Datasets by whose outlines samples of other datasets go, in the order that decides which is the later one."""
    entries = [entry for part in parts for entry in part.entries()]
    used = {entry.outlines for entry in entries if not entry.case_id.startswith(f"{entry.outlines}/")}
    prepare = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    return [name for name in prepare.datasets if name in used]


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, evenly spread."""
    step = max(1.0, len(items) / most)
    return [items[int(step * index)] for index in range(min(most, len(items)))]


def _only(dataset: str) -> tuple[str, ...]:
    """The one dataset that is named, or all."""
    return (dataset,) if dataset else ()


def _fold(profile: Profile, config: TrainConfig) -> tuple[int, int] | None:
    """Which of how many parts of a cross-validation tests, if the variant is one turn of it."""
    return None if config.fold is None else (config.fold, profile.evaluate.folds)
