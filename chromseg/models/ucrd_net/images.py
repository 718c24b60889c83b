"""Images of any size as one batch: scaled if asked for, padded to what the backbone divides by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from chromseg.errors import ModelError

STRIDE = 32  # of C5: sides are padded to a multiple of it


class ImageBatch(NamedTuple):
    """A batch as the backbone sees it.

    Attributes:
        tensors: float32 (B, 1, H, W), zeros (background) right of and below each image.
        sizes: Height and width of each image in it.
        factors: float32 (4,) each; a box xyxy of the original image times it is the box in the batch.
    """

    tensors: Tensor
    sizes: list[tuple[int, int]]
    factors: list[Tensor]


def make_batch(images: Sequence[Tensor], *, zoom: float = 1.0, min_size: int = 0, max_size: int = 0) -> ImageBatch:
    """Lay images into one batch.

    Args:
        images: float32 (1, H, W) each, absorbance; at least one.
        zoom: Factor to scale by, unless there is a `min_size`.
        min_size: Short side to scale to, 0 for none.
        max_size: Long side that scaling must not exceed, 0 for no limit.

    Raises:
        ModelError: No image, or one that is not (1, H, W).
    """
    wrong = next((tuple(image.shape) for image in images if image.ndim != 3 or image.shape[0] != 1), None)
    if wrong is not None or not images:
        raise ModelError(
            f"an image of shape {wrong}" if images else "no image",
            expected="float32 (1, H, W) each",
            remedy="give grey images in a list",
        )
    scaled = [_scale(image, scale_factor(image.shape[-2:], zoom, min_size, max_size)) for image in images]
    sizes = [(image.shape[-2], image.shape[-1]) for image in scaled]
    height, width = (-(-max(sides) // STRIDE) * STRIDE for sides in zip(*sizes, strict=True))
    tensors = scaled[0].new_zeros(len(scaled), 1, height, width)
    for place, image in zip(tensors, scaled, strict=True):
        place[:, : image.shape[-2], : image.shape[-1]] = image
    factors = [
        torch.tensor([size[1] / image.shape[-1], size[0] / image.shape[-2]] * 2, device=image.device)
        for size, image in zip(sizes, images, strict=True)
    ]
    return ImageBatch(tensors, sizes, factors)


def scale_factor(size: Sequence[int], zoom: float, min_size: int, max_size: int) -> float:
    """The factor by which an image of `size` (rows, columns) is scaled; arguments as of `make_batch`."""
    short, long = sorted(size)
    factor = min_size / short if min_size else zoom
    return min(factor, max_size / long) if max_size else factor


def _scale(image: Tensor, factor: float) -> Tensor:
    if factor == 1.0:
        return image
    size = [max(1, round(side * factor)) for side in image.shape[-2:]]
    scaled: Tensor = functional.interpolate(
        image[None], size=size, mode="bilinear", align_corners=False, antialias=factor < 1
    )[0]
    return scaled
