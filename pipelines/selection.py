"""Which of the prepared samples a variant learns from, is chosen by, and is judged on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chromseg.annotations import SPLITS, Sample, read_dataset, read_samples
from chromseg.annotations.index import KINDS, SampleEntry, read_index
from chromseg.annotations.samples import read_entries
from chromseg.config import PrepareConfig, TrainConfig, block, parse
from chromseg.project import dataset_folder
from pipelines.profile import Profile


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
        kept = []
        by_set: dict[str, list[SampleEntry]] = {}
        for entry in self.entries():
            by_set.setdefault(entry.dataset, []).append(entry)
        for own in by_set.values():
            step = max(1.0, len(own) / most)
            kept += [own[int(step * index)] for index in range(min(most, len(own)))]
        return read_entries(self.folder, kept)

    def entries(self) -> list[SampleEntry]:
        """What the index says of them."""
        return read_index(self.folder, splits=self.splits, kinds=self.kinds, datasets=self.datasets, fold=self.fold)


def stains(profile: Profile) -> dict[str, str]:
    """The stain of each dataset that is prepared or judges."""
    prepare = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    names = dict.fromkeys((*prepare.datasets, *profile.evaluate.datasets))
    return {name: read_dataset(dataset_folder(name)).card.stain for name in names}


def everything(profile: Profile, config: TrainConfig) -> Part:
    """All samples, each in the split it has for this variant."""
    return Part(profile.prepared, fold=_fold(profile, config))


def training(profile: Profile, config: TrainConfig) -> Part:
    """What the variant trains on."""
    return Part(profile.prepared, config.train_on, config.samples, _only(config.dataset), _fold(profile, config))


def validation(profile: Profile, config: TrainConfig, *kinds: str) -> Part:
    """Samples of some kinds that its epoch or its threshold is chosen by; none if they train."""
    splits = () if "val" in config.train_on else ("val",)
    return Part(profile.prepared, splits, kinds, profile.evaluate.datasets, _fold(profile, config))


def held_out(profile: Profile, config: TrainConfig, split: str, *kinds: str) -> Part:
    """Samples of some kinds of the datasets that it is judged by; `split` is test, or val for studies."""
    return Part(profile.prepared, (split,), kinds or KINDS, profile.evaluate.datasets, _fold(profile, config))


def behind(profile: Profile, config: TrainConfig) -> tuple[Part, ...]:
    """All that decides what becomes of the variant: what it learns from, what chooses it, what tests it."""
    return training(profile, config), validation(profile, config, *KINDS), held_out(profile, config, "test")


def corrections(profile: Profile, *parts: Part) -> list[str]:
    """Datasets by whose outlines samples of other datasets go, in the order that decides which is the later one."""
    entries = [entry for part in parts for entry in part.entries()]
    used = {entry.outlines for entry in entries if not entry.case_id.startswith(f"{entry.outlines}/")}
    prepare = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    return [name for name in prepare.datasets if name in used]


def _only(dataset: str) -> tuple[str, ...]:
    """The one dataset that is named, or all."""
    return (dataset,) if dataset else ()


def _fold(profile: Profile, config: TrainConfig) -> tuple[int, int] | None:
    """Which of how many parts of a cross-validation tests, if the variant is one turn of it."""
    return None if config.fold is None else (config.fold, profile.evaluate.folds)
