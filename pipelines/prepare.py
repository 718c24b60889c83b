"""Stage `prepare`: annotated datasets → samples, each in one polarity, with its maps, whole and as cut-outs."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from chromseg.annotations import Dataset, Sample, read_dataset, write_samples
from chromseg.annotations.collection import CollectedPicture, collect
from chromseg.annotations.preparation import samples_of_picture
from chromseg.config import PrepareConfig, block, parse
from chromseg.errors import DataError
from chromseg.project import DATA
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Write the samples of all datasets of the profile."""
    arguments = stage_arguments(__doc__, datasets=True)
    profile = Profile(arguments.profile)
    config = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    if arguments.datasets is not None:
        config = replace(config, datasets=tuple(name for name in config.datasets if name in arguments.datasets))
    count = write_samples(profile.prepared, samples(config, Path(DATA)))
    print(f"{count} samples of {', '.join(config.datasets)} in {profile.prepared}", file=sys.stderr)


def samples(config: PrepareConfig, data_root: Path) -> Iterator[Sample]:
    """The samples of every picture of the datasets, each picture once, under the latest outlines.

    Raises:
        DataError: A dataset has neither maps nor instances; or a case or a metaphase is in two splits.
    """
    pictures = collect([_annotated(read_dataset(data_root / name)) for name in config.datasets])
    for line in _replaced(pictures):
        print(line, file=sys.stderr)
    for picture in pictures:
        yield from (
            sample
            for sample in samples_of_picture(picture, config.cutout_size, config.width)
            if sample.kind in config.kinds and (sample.kind != "cutout" or sample.split in config.cutout_splits)
        )


def _annotated(dataset: Dataset) -> Dataset:
    if dataset.instances or dataset.has_maps:
        return dataset
    raise DataError(
        f"dataset {dataset.card.name} without annotations",
        expected="instance masks, boxes or the two maps",
        remedy="leave it out of `prepare.datasets`",
    )


def _replaced(pictures: list[CollectedPicture]) -> Iterator[str]:
    """How many pictures of a dataset go by the outlines of a later one, a line each pair of datasets."""
    pairs = Counter(
        (each.dataset.card.name, each.outlined.card.name) for each in pictures if each.dataset is not each.outlined
    )
    for (owner, later), count in pairs.items():
        yield f"{count} pictures of {owner} go by the outlines of {later}, the later set"


if __name__ == "__main__":
    run_stage(main)
