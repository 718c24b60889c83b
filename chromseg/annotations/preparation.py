"""From annotated pictures to samples: whole, and a cut-out of each crossing cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from chromseg.annotations.clusters import CUTOUT_SIZE, crossing_clusters, cut_out
from chromseg.annotations.collection import Picture
from chromseg.annotations.dataset import Dataset, ImageRecord, load_boxes, load_image, load_maps, load_masks
from chromseg.annotations.samples import Sample


def samples_of_picture(picture: Picture, size: int = CUTOUT_SIZE) -> Iterator[Sample]:
    """The samples of one picture: by the outlines that hold, under name and case of the dataset that has it first."""
    own, other = (_name(*each) for each in ((picture.dataset, picture.image), (picture.outlined, picture.outlines)))
    for sample in samples_of_image(picture.outlined, picture.outlines, size):
        yield replace(
            sample,
            name=own + sample.name.removeprefix(other),
            case_id=f"{picture.dataset.card.name}/{picture.image.case}",
            picture=picture.key,
            scene=picture.scene,
            outlines=picture.outlined.card.name,
        )


def samples_of_image(dataset: Dataset, image: ImageRecord, size: int) -> Iterator[Sample]:
    """The whole image, and a cut-out of each of its crossing clusters; an image no larger than that is one itself.

    Of a set with boxes only, the whole image.
    """
    name = _name(dataset, image)
    case_id = f"{dataset.card.name}/{image.case}"
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


def _name(dataset: Dataset, image: ImageRecord) -> str:
    return f"{dataset.card.name}-{Path(image.file_name).with_suffix('').as_posix().replace('/', '-')}"
