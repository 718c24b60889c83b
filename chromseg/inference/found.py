"""What a model finds in a picture at its own scale, the same for every family, and how it becomes `Instance`s."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from chromseg.annotations.maps import chromosome_map, crossing_map
from chromseg.arrays import F32, F64, Bool
from chromseg.boxes import window_of
from chromseg.images.scale import resize_mask
from chromseg.inference.result import Instance, instance_of
from chromseg.partition.cluster import chromosome_width

_A_FIELD = 8  # chromosomes from which their width says how large the picture is


class Verdict(NamedTuple):
    """What a verifier says of an outline: how probably its IoU is 0.8 or more, and the IoU that it expects, 0–1."""

    right: float
    iou: float


@dataclass(frozen=True)
class Found:
    """The chromosomes of one picture, in the pixels the model saw.

    Attributes:
        masks: bool (N, H, W), ordered by first pixel in row-major order; N may be 0.
        scores: Per mask, 0–1.
        flags: Per mask, names such as "needs-review".
        uncertainty: Per mask, or None where the model does not estimate it.
        maps: The maps (chromosome, crossing), bool (H, W) each, of a model that predicts them; None for one that
            predicts instances.
        probability: Per mask, that its outline is right at IoU 0.8, or None where the model does not estimate it.
        closer: By how much the picture was enlarged after a first look that showed its chromosomes at a wrong width.
        verdicts: Per mask, of a verifier, or None where none has looked.
        boxes: float64 (N, 4), xyxy, as a detector gave them beside its masks; None for other models, and where masks
            were resized or joined with others.
    """

    masks: Bool
    scores: tuple[float, ...]
    flags: tuple[tuple[str, ...], ...]
    uncertainty: tuple[float | None, ...]
    maps: tuple[Bool, Bool] | None = None
    probability: tuple[float | None, ...] = ()
    closer: float = 1.0
    verdicts: tuple[Verdict | None, ...] = ()
    boxes: F64 | None = None

    def __post_init__(self) -> None:
        """A model that does not say how probable its outlines are, or what a verifier thinks of them, says so."""
        for name in ("probability", "verdicts"):
            if len(getattr(self, name)) != len(self.scores):
                object.__setattr__(self, name, (None,) * len(self.scores))

    @property
    def chromosome(self) -> Bool:
        """Bool (H, W), on any chromosome: predicted, or the union of the instances."""
        return chromosome_map(self.masks) if self.maps is None else self.maps[0]

    @property
    def crossing(self) -> Bool:
        """Bool (H, W), where chromosomes cross: predicted, or where instances overlap."""
        return crossing_map(self.masks) if self.maps is None else self.maps[1]

    def subset(self, indices: list[int]) -> Found:
        """Only some of the instances, in the order given."""
        return Found(
            self.masks[indices],
            tuple(self.scores[index] for index in indices),
            tuple(self.flags[index] for index in indices),
            tuple(self.uncertainty[index] for index in indices),
            self.maps,
            tuple(self.probability[index] for index in indices),
            self.closer,
            tuple(self.verdicts[index] for index in indices),
            None if self.boxes is None else self.boxes[indices],
        )

    def resized(self, shape: tuple[int, int], extent: tuple[float, float] | None = None) -> Found:
        """At another size, without boxes and without the masks that vanish there; `extent` as of `resize_mask`."""
        if self.masks.shape[1:] == shape:
            return self

        def sized(mask: Bool) -> Bool:
            return resize_mask(mask, shape, extent)

        masks = np.array(list(map(sized, self.masks)), dtype=bool).reshape(-1, *shape)
        maps = None if self.maps is None else (sized(self.maps[0]), sized(self.maps[1]))
        kept = [index for index, mask in enumerate(masks) if mask.any()]
        return replace(self, masks=masks, maps=maps, boxes=None).subset(kept)

    def instances(self, absorbance: F32, extent: tuple[float, float] | None = None) -> Iterator[Instance]:
        """The chromosomes in the picture float32 (H, W), of any size, without the masks that vanish there.

        `extent` as of `resize_mask`.
        """
        shape = (absorbance.shape[0], absorbance.shape[1])
        columns = (self.masks, self.scores, self.flags, self.uncertainty, self.probability)
        for mask, score, flags, uncertainty, probability in zip(*columns, strict=True):
            sized = resize_mask(mask, shape, extent)
            if sized.any():
                yield instance_of(sized, absorbance, score, flags, uncertainty, probability)


def in_reading_order(found: Found) -> Found:
    """The same instances by first pixel in row-major order; empty masks left out."""
    first = [int(mask.argmax()) if mask.any() else -1 for mask in found.masks]
    return found.subset([index for index in np.argsort(first, kind="stable") if first[index] >= 0])


def joined(parts: list[Found], shape: tuple[int, int]) -> Found:
    """The instances of several finds of one picture of `shape`, in reading order."""
    return in_reading_order(
        Found(
            np.concatenate([np.zeros((0, *shape), dtype=bool), *(part.masks for part in parts)]),
            tuple(score for part in parts for score in part.scores),
            tuple(flags for part in parts for flags in part.flags),
            tuple(one for part in parts for one in part.uncertainty),
            probability=tuple(one for part in parts for one in part.probability),
            verdicts=tuple(one for part in parts for one in part.verdicts),
        )
    )


def median_width(masks: Iterable[Bool], pixel: int = 1) -> float | None:
    """How wide the chromosomes of a field are; None of fewer than eight, which make no field.

    Args:
        masks: bool (H, W) each, of chromosomes or of clusters of them.
        pixel: Size of their pixels, in the unit of the answer.
    """
    masks = list(masks)
    if len(masks) < _A_FIELD:
        return None
    return pixel * float(np.median([chromosome_width(np.pad(mask[window_of(mask)], 1)) for mask in masks]))


class Clock:
    """Milliseconds by step."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block; a step done twice adds up."""
        start = time.perf_counter()
        yield
        spent = 1000 * (time.perf_counter() - start)
        self.times[name] = round(self.times.get(name, 0.0) + spent, 2)
