"""What a prediction returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from chromseg.arrays import F32, U8, Bool
from chromseg.boxes import box_of
from chromseg.images.absorbance import Polarity

CROP_MARGIN = 5


@dataclass(frozen=True)
class Piece:
    """A part of a picture.

    Attributes:
        own: bool (h, w), the mask in its box; that of the whole picture is `mask`.
        shape: (H, W) of the picture.
        bbox: (x0, y0, x1, y1), ends excluded.
    """

    own: Bool
    shape: tuple[int, int]
    bbox: tuple[int, int, int, int]

    @property
    def mask(self) -> Bool:
        """Bool (H, W) in the picture's own pixels, made when asked for; masks overlap where chromosomes cross."""
        x0, y0, x1, y1 = self.bbox
        mask = np.zeros(self.shape, dtype=bool)
        mask[y0:y1, x0:x1] = self.own
        return mask


@dataclass(frozen=True)
class Instance(Piece):
    """One chromosome.

    Attributes:
        score: 0-1, mean chromosome probability inside the mask × pairing confidence.
        flags: Names such as "needs-review"; empty if all is well.
        uncertainty: Standard deviation of the box, or None for a model that does not estimate it.
        crop: uint8 (h, w), the chromosome alone, dark on white, with a margin of 5 px.
        probability: 0-1, that the outline is right at IoU 0.8, or None for a model that does not estimate it.
    """

    score: float
    flags: tuple[str, ...]
    uncertainty: float | None
    crop: U8
    probability: float | None = None


def piece_of(mask: Bool) -> Piece:
    """The piece of a mask bool (H, W) that is not empty."""
    x0, y0, x1, y1 = bbox = box_of(mask)
    return Piece(mask[y0:y1, x0:x1].copy(), (mask.shape[0], mask.shape[1]), bbox)


def instance_of(
    mask: Bool,
    absorbance: F32,
    score: float,
    flags: tuple[str, ...],
    uncertainty: float | None,
    probability: float | None = None,
) -> Instance:
    """The chromosome of a mask bool (H, W) that is not empty, with box and crop, in its picture float32 (H, W)."""
    piece, crop = piece_of(mask), crop_of(absorbance, mask, box_of(mask))
    return Instance(piece.own, piece.shape, piece.bbox, score, flags, uncertainty, crop, probability)


class Masks(Sequence[Bool]):
    """Masks bool (H, W) of instances, each made when it is looked at: all at once would fill the memory."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._instances = instances

    def __len__(self) -> int:
        return len(self._instances)

    @overload
    def __getitem__(self, index: int) -> Bool: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Bool]: ...
    def __getitem__(self, index: int | slice) -> Bool | Sequence[Bool]:
        if isinstance(index, slice):
            return Masks(self._instances[index])
        return self._instances[index].mask


@dataclass(frozen=True)
class ModelIdentity:
    """Which model made a result; written into every `instances.json`."""

    name: str
    version: str | None
    weights_sha256: str | None  # None where no network ran
    data_md5: dict[str, str]
    commit: str | None
    partition: dict[str, Any]
    software_version: str


@dataclass(frozen=True)
class Result:
    """All chromosomes of one picture, and how they were found.

    Attributes:
        instances: In row-major order of first pixel.
        absorbance: float32 (H, W), the picture as the network saw it, at its own size.
        polarity: The polarity it was read with.
        scale: Factor by which it was resized for the network; 1.0 if not at all.
        validation: Verdict of the input and result rules, ready for JSON.
        model: Which model.
        image_sha256: Of the file's bytes.
        page: Page of the file, from 0.
        timings_ms: Milliseconds by step.
        unclaimed: What looks like chromosome, has a quarter of the usual area or more, and belongs to no instance; None
            where no model drew a map.
    """

    instances: tuple[Instance, ...]
    absorbance: F32
    polarity: Polarity
    scale: float
    validation: dict[str, Any]
    model: ModelIdentity
    image_sha256: str
    page: int = 0
    timings_ms: dict[str, float] = field(default_factory=dict)
    unclaimed: tuple[Piece, ...] | None = None

    @property
    def flagged(self) -> int:
        """How many of the chromosomes carry a flag."""
        return sum(bool(instance.flags) for instance in self.instances)

    @property
    def to_review(self) -> int:
        """How many places a person should look at: chromosomes that carry a flag, and pieces that belong to none."""
        return self.flagged + len(self.unclaimed or ())


def crop_of(absorbance: F32, mask: Bool, bbox: tuple[int, int, int, int]) -> U8:
    """The chromosome alone, dark on white: uint8 (h + 10, w + 10)."""
    x0, y0, x1, y1 = bbox
    alone = np.where(mask[y0:y1, x0:x1], absorbance[y0:y1, x0:x1], 0)
    grey = np.rint(255 * (1 - np.pad(alone, CROP_MARGIN)))
    return np.asarray(grey, dtype=np.uint8)
