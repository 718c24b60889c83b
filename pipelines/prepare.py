"""Stage `prepare`: annotated datasets → samples, each in one polarity, with its maps, whole and as cut-outs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from chromseg.annotations import (
    Dataset,
    ImageRecord,
    Sample,
    crossing_clusters,
    cut_out,
    load_boxes,
    load_image,
    load_maps,
    load_masks,
    read_dataset,
    write_samples,
)
from chromseg.config import PrepareConfig, block, parse
from chromseg.errors import DataError
from pipelines.profile import Profile, run_stage, stage_arguments


def main() -> None:
    """Write the samples of all datasets of the profile."""
    arguments = stage_arguments(__doc__, datasets=True)
    profile = Profile(arguments.profile)
    config = parse(PrepareConfig, block(profile.params, "prepare"), "prepare")
    if arguments.datasets is not None:
        config = replace(config, datasets=tuple(name for name in config.datasets if name in arguments.datasets))
    count = write_samples(profile.prepared, samples(config, Path("data")))
    print(f"{count} samples of {', '.join(config.datasets)} in {profile.prepared}", file=sys.stderr)


def samples(config: PrepareConfig, data_root: Path) -> Iterator[Sample]:
    """The samples of every image of every dataset.

    Raises:
        DataError: A dataset has neither maps nor instances.
    """
    for name in config.datasets:
        dataset = read_dataset(data_root / name)
        if not (dataset.instances or dataset.has_maps):
            raise DataError(
                f"dataset {name} without annotations",
                expected="instance masks, boxes or the two maps",
                remedy="leave it out of `prepare.datasets`",
            )
        for image in dataset.images:
            yield from (s for s in samples_of_image(dataset, image, config.cutout_size) if s.kind in config.kinds)


def samples_of_image(dataset: Dataset, image: ImageRecord, size: int) -> Iterator[Sample]:
    """The whole image, and a cut-out of each of its crossing clusters; an image no larger than that is one itself.

    Of a set with boxes only, the whole image.
    """
    name = f"{dataset.card.name}-{Path(image.file_name).with_suffix('').as_posix().replace('/', '-')}"
    case_id = f"{dataset.card.name}/{image.case_id}"
    pixels = load_image(dataset, image)
    if dataset.has_maps:
        yield Sample(name, case_id, image.split, "cutout", pixels, None, *load_maps(dataset, image))
        return
    if not dataset.has_masks:
        yield Sample.from_boxes(name, case_id, image.split, pixels, *load_boxes(dataset, image))
        return
    masks = load_masks(dataset, image)
    if max(image.height, image.width) <= size:
        yield Sample.from_masks(name, case_id, image.split, "cutout", pixels, masks)
        return
    yield Sample.from_masks(name, case_id, image.split, "metaphase", pixels, masks)
    for number, cluster in enumerate(crossing_clusters(masks, size)):
        alone = cut_out(pixels, masks, cluster, size)
        yield Sample.from_masks(f"{name}-{number}", case_id, image.split, "cutout", *alone)


if __name__ == "__main__":
    run_stage(main)
