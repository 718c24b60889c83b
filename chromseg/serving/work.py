"""What a process of the pool does: everything after the network, up to the bytes of the answer; it needs no torch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from chromseg.images.absorbance import to_absorbance
from chromseg.images.appearance import estimate_polarity
from chromseg.images.pictures import read_picture
from chromseg.inference.prepared import Prepared, Remainder
from chromseg.inference.result import ModelIdentity, Result
from chromseg.serving.documents import Document, instances_of
from chromseg.serving.render import Rendered, Wanted, render
from chromseg.validation.results import REVIEW_FLAG

Done = TypeVar("Done", covariant=True)


@dataclass(frozen=True)
class Answer:
    """The bytes of an answer, and what metrics and log want to know of it.

    Attributes:
        rendered: The bytes.
        image_sha256: Of the file.
        count: Chromosomes.
        review: Of them flagged for review.
        unclaimed: Pieces that may be chromosomes and belong to none.
        intensity: Mean absorbance of the picture's chromosomes, 0–1; None where there are none.
        warnings: Names of the rules that warned.
        times: Milliseconds by step.
    """

    rendered: Rendered
    image_sha256: str
    count: int
    review: int = 0
    unclaimed: int = 0
    intensity: float | None = None
    warnings: tuple[str, ...] = ()
    times: Mapping[str, float] = field(default_factory=dict)


class Task(Protocol[Done]):
    """Work for the pool; picklable."""

    def __call__(self) -> Done:
        """Do it."""


@dataclass(frozen=True)
class Finishing:
    """What is left of a prediction after the network."""

    prepared: Prepared
    remainder: Remainder
    wanted: Wanted

    def __call__(self) -> Answer:
        """Splice, bring the result back to the page, render it."""
        return answer_of(self.prepared.finish(self.remainder), self.wanted)


@dataclass(frozen=True)
class Drawing:
    """A client's own instances, to be drawn in their picture.

    Attributes:
        content: Bytes of the image file.
        page: Of it, from 0.
        document: The instances.
        max_pixels: Of the file.
    """

    content: bytes
    page: int
    document: Document
    max_pixels: int

    def result(self) -> Result:
        """Decode, and draw the masks.

        Raises:
            InputRefusedError: The image cannot be read.
            DataError: An instance cannot be drawn.
        """
        picture = read_picture(self.content, max_pixels=self.max_pixels, max_total=self.max_pixels)
        grey = picture.page(self.page).grey
        polarity = self.document.options.polarity or estimate_polarity(grey)
        absorbance = to_absorbance(grey, polarity)
        return Result(
            instances=instances_of(self.document.annotations, absorbance),
            absorbance=absorbance,
            polarity=polarity,
            scale=self.document.options.scale,
            validation={},
            model=ModelIdentity(**self.document.model.model_dump()),
            image_sha256=picture.sha256,
            page=self.page,
        )


@dataclass(frozen=True)
class Exporting(Drawing):
    """A client's own instances, rendered without a network.

    Attributes:
        wanted: How to render them.
    """

    wanted: Wanted

    def __call__(self) -> Answer:
        """Draw and render; raises as `result`."""
        return answer_of(self.result(), self.wanted)


def answer_of(result: Result, wanted: Wanted) -> Answer:
    """A result rendered, with the facts about it."""
    start = time.perf_counter()
    rendered = render(result, wanted)
    covered = np.zeros(result.absorbance.shape, dtype=bool)
    for instance in result.instances:
        x0, y0, x1, y1 = instance.bbox
        covered[y0:y1, x0:x1] |= instance.own
    failures: list[dict[str, Any]] = [
        failure for part in result.validation.values() for failure in part.get("failures", ())
    ]
    return Answer(
        rendered=rendered,
        image_sha256=result.image_sha256,
        count=len(result.instances),
        review=sum(REVIEW_FLAG in instance.flags for instance in result.instances),
        unclaimed=len(result.unclaimed or ()),
        intensity=float(result.absorbance[covered].mean()) if covered.any() else None,
        warnings=tuple(failure["rule"] for failure in failures),
        times={**result.timings_ms, "render": _ms(start, time.perf_counter())},
    )


def _ms(start: float, end: float) -> float:
    return round(1000 * (end - start), 2)
