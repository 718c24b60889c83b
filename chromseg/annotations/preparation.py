"""From annotated pictures to samples: whole, and a cut-out of each crossing cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from chromseg.annotations.clusters import CUTOUT_SIZE, crossing_clusters, cut_out
from chromseg.annotations.collection import CollectedPicture
from chromseg.annotations.dataset import (
    Dataset,
    ImageRecord,
    load_boxes,
    load_classes,
    load_ignored,
    load_image,
    load_maps,
    load_masks,
)
from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.annotations.samples import Sample
from chromseg.arrays import F32, Bool
from chromseg.images.appearance import estimate_width
from chromseg.images.scale import ALWAYS, factor_between, resize, resize_mask


def samples_of_picture(picture: CollectedPicture, size: int = CUTOUT_SIZE, width: float = 0.0) -> Iterator[Sample]:
    """The samples of one picture: by the outlines that hold, under name and case of the dataset that has it first.

    Args:
        picture: With its dataset and outlines.
        size: Of cut-outs, in pixels of the picture.
        width: To which its chromosomes are brought, in pixels; 0 leaves it as it is.
    """
    own, other = (_name(*each) for each in ((picture.dataset, picture.image), (picture.outlined, picture.outlines)))
    for sample in samples_of_image(picture.outlined, picture.outlines, size, width):
        yield replace(
            sample,
            name=own + sample.name.removeprefix(other),
            case_id=f"{picture.dataset.card.name}/{picture.image.case}",
            picture=picture.key,
            scene=picture.scene,
            outlines=picture.outlined.card.name,
        )


def samples_of_image(dataset: Dataset, image: ImageRecord, size: int, width: float = 0.0) -> Iterator[Sample]:
    """The whole image, and a cut-out of each of its crossing clusters; an image no larger than that is one itself.

    Of a set with boxes only, the whole image. With a `width` in pixels, all at the scale at which chromosomes have it.
    A cluster that meets pixels to be ignored is not known wholly and gives no cut-out.
    """
    derived = any(instance.quality == "derived" for instance in dataset.instances_of[image.id])
    for sample in _samples(dataset, image, size, width):
        yield replace(sample, derived=derived) if derived else sample


def _samples(dataset: Dataset, image: ImageRecord, size: int, width: float) -> Iterator[Sample]:
    name = _name(dataset, image)
    case_id = f"{dataset.card.name}/{image.case}"
    pixels = load_image(dataset, image)
    factor = _factor(pixels, width)
    pixels = resize(pixels, factor)
    ignored = load_ignored(dataset, image)
    if ignored is not None:
        ignored = resize_mask(ignored, pixels.shape)
    if dataset.has_maps:
        crossing, chromosome = _sized(load_maps(dataset, image), pixels.shape)
        yield Sample(name, case_id, image.split, "cutout", pixels, None, crossing, chromosome, ignored=ignored)
        return
    if not dataset.has_masks:
        boxes, labels = load_boxes(dataset, image)
        boxed = Sample.from_boxes(name, case_id, image.split, pixels, boxes * np.float32(factor), labels)
        yield replace(boxed, ignored=ignored)
        return
    masks = _sized(load_masks(dataset, image), pixels.shape)
    size = round(size * factor)
    if max(pixels.shape) <= size:
        yield replace(Sample.from_masks(name, case_id, image.split, "cutout", pixels, masks), ignored=ignored)
        return
    whole = Sample.from_masks(name, case_id, image.split, "metaphase", pixels, masks)
    yield replace(whole, ignored=ignored, labels=load_classes(dataset, image) if len(dataset.categories) > 1 else None)
    unknown = None if ignored is None else ndimage.binary_dilation(ignored, structure=EIGHT_CONNECTED)
    for number, cluster in enumerate(crossing_clusters(masks, size)):
        if unknown is not None and (cluster.region & unknown).any():
            continue
        alone = cut_out(pixels, masks, cluster, size)
        yield Sample.from_masks(f"{name}-{number}", case_id, image.split, "cutout", *alone)


def at_width(pixels: F32, width: float) -> F32:
    """A picture float32 (H, W) at the scale at which its chromosomes have a width in pixels; 0 leaves it as it is."""
    return resize(pixels, _factor(pixels, width))


def _factor(pixels: F32, width: float) -> float:
    return factor_between(estimate_width(pixels), width, ALWAYS) if width else 1.0


def _sized(masks: Iterable[Bool], shape: tuple[int, ...]) -> Bool:
    """Masks bool (h, w) each at another size: bool (N, H, W)."""
    return np.array([resize_mask(mask, shape) for mask in masks], dtype=bool).reshape(-1, *shape)


def _name(dataset: Dataset, image: ImageRecord) -> str:
    return f"{dataset.card.name}-{Path(image.file_name).with_suffix('').as_posix().replace('/', '-')}"
