"""A page made ready for a network, and the way from what was found in it to a result; needs no network and no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from chromseg.arrays import F32, Bool
from chromseg.errors import InputRefusedError
from chromseg.images.scale import as_large_as, extent_in, resize_mask, resized_shape
from chromseg.inference.familiarity import StainLook, look_of, nearest
from chromseg.inference.found import Clock, Found
from chromseg.inference.postprocess import has_plain_ground
from chromseg.inference.result import ModelIdentity, Result, piece_of
from chromseg.inference.unclaimed import unclaimed_pieces
from chromseg.inference.view import View
from chromseg.validation import check_result

_ENOUGH = 8  # instances that say how large chromosomes are


@dataclass(frozen=True)
class Prepared:
    """A page as a model is to see it, judged and at the model's scale.

    Attributes:
        view: Polarity, absorbance at the page's own size, factor to the model's scale.
        scaled: float32 (h, w), the absorbance at the model's scale; the same array where the factor is 1.
        validation: Verdict of the input rules, ready for JSON.
        image_sha256: Of the file's bytes.
        page: Page of the file, from 0.
        name: What messages call it.
        model: Which model it was prepared for.
        chromosome_area: Median area of that model's training chromosomes, in its own pixels; None if unknown.
        times: Milliseconds by step so far.
        looks: How pictures of each stain look that the model knows.
        strict: A picture that looks like none of them is refused.
    """

    view: View
    scaled: F32
    validation: dict[str, Any]
    image_sha256: str
    page: int
    name: str
    model: ModelIdentity
    chromosome_area: float | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    looks: Mapping[str, StainLook] = field(default_factory=dict)
    strict: bool = False

    def finish(self, remainder: Remainder) -> Result:
        """Do what the network left, and bring it back to the page; raises as `result`."""
        clock = Clock()
        with clock.step("partition"):
            found = remainder()
        return self.result(found, clock.times)

    def result(self, found: Found, times: Mapping[str, float] | None = None) -> Result:
        """Bring what was found at the model's scale back to the page.

        Args:
            found: Masks of any size.
            times: Milliseconds of the steps since.

        Raises:
            InputRefusedError: It is more than any metaphase has; or, if `strict`, the picture is strange to the model.
        """
        clock = Clock()
        with clock.step("map back"):
            own = self.view.absorbance
            extent = extent_in(found.masks.shape[1:], resized_shape(self.scaled.shape, found.closer))
            instances = tuple(found.instances(own, extent))
            seen = None if found.maps is None else resize_mask(found.maps[0], own.shape, extent)
            pieces = self._unclaimed(found)
            sized = () if pieces is None else (resize_mask(piece, own.shape, extent) for piece in pieces)
            unclaimed = None if pieces is None else tuple(piece_of(mask) for mask in sized if mask.any())
        scale = self.view.factor * found.closer
        area = self.chromosome_area and self.chromosome_area / scale**2
        with clock.step("compare"):
            strange = self._strange(found) if self.looks else None
        told = None if unclaimed is None else len(unclaimed)
        judged = check_result(instances, seen, area, strange, told, name=self.name, strict=self.strict)
        judged.raise_refused()
        return Result(
            instances=instances,
            absorbance=self.view.absorbance,
            polarity=self.view.polarity,
            scale=scale,
            validation={
                "input": self.validation,
                "result": judged.to_json(),
            },
            model=self.model,
            image_sha256=self.image_sha256,
            page=self.page,
            timings_ms={**self.times, **(times or {}), **clock.times},
            unclaimed=unclaimed,
        )

    def _unclaimed(self, found: Found) -> Bool | None:
        """The pieces of the map bool (M, H, W) that no instance has; None of a model that draws no map.

        Where too few instances say how large chromosomes are here, the model's training chromosomes do.
        """
        if found.maps is None:
            return None
        usual = float(np.median(found.masks.sum(axis=(1, 2)))) if len(found.masks) >= _ENOUGH else self._area_of(found)
        return found.masks[:0] if usual is None else unclaimed_pieces(found.masks, found.maps[0], usual)

    def _area_of(self, found: Found) -> float | None:
        """The usual area of a chromosome in the pixels of what was found, by the model's training chromosomes."""
        pixels = self.scaled.size * found.closer**2 / math.prod(found.masks.shape[1:])
        return self.chromosome_area and self.chromosome_area / pixels

    def _strange(self, found: Found) -> tuple[str, float] | None:
        """The known stain that the picture looks most like, and how strange it is there.

        A cut-out, of which a cluster alone was left on a plain ground, is no whole field.
        """
        look = look_of(as_large_as(found.masks.shape[1:], self.scaled), found.masks, found.scores)
        return nearest(self.looks, look, field=not has_plain_ground(self.view.absorbance))


class Remainder(Protocol):
    """What is left to do after the network has run: picklable, so that another process can do it."""

    def __call__(self) -> Found:
        """Do it."""


@dataclass(frozen=True)
class NothingLeft:
    """The remainder of a model that finds its instances in one go."""

    found: Found

    def __call__(self) -> Found:
        """What was found."""
        return self.found


@dataclass(frozen=True)
class CloserLook:
    """No remainder yet: a picture that the network must look at again.

    Attributes:
        picture: float32 (H, W), enlarged.
        closer: By how much.
    """

    picture: F32
    closer: float


@dataclass(frozen=True)
class Enlarged:
    """The remainder of a picture that was enlarged before the network saw it."""

    remainder: Remainder
    closer: float

    def __call__(self) -> Found:
        """Do it."""
        return replace(self.remainder(), closer=self.closer)


@dataclass(frozen=True)
class Refused:
    """The remainder of a picture in which far too much was found."""

    error: InputRefusedError

    def __call__(self) -> Found:
        """Refuse it.

        Raises:
            InputRefusedError: Always.
        """
        raise self.error
