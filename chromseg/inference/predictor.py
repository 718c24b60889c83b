"""From a picture to its chromosomes: the way that all families share, in the order it happens."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from chromseg.arrays import F32
from chromseg.config import parse
from chromseg.errors import InputRefusedError, ModelError
from chromseg.images.absorbance import Polarity
from chromseg.images.pictures import Page, Picture, Source
from chromseg.images.scale import ALWAYS, AS_IT_IS, coarse, resize, resized_shape
from chromseg.inference.asked import Asked
from chromseg.inference.familiarity import StainLook
from chromseg.inference.found import Clock, Found
from chromseg.inference.prepared import CloserLook, NothingLeft, Prepared, Refused, Remainder
from chromseg.inference.result import ModelIdentity, Result
from chromseg.inference.view import MAX_SCALED, MAX_SEEN, MOST_CHROMOSOMES, View, view_of
from chromseg.models.package import ModelCard
from chromseg.validation import ImageLimits, InputCheck, Report

_RIGHT_ENOUGH = 0.78  # of the trained width, or its inverse: there a second look mended nothing on validation pictures
_MOST_CLOSER = 2.0
_MOST_TURNED = 3_750_000  # pixels of a picture, ground and all, that is seen turned too; 946 of 959 at hand have fewer
_RETIRED = ("soft_blur", "max_blur")  # limits in older cards, of blur in the model's pixels, which scaling took away


class _LookCloser(Exception):  # noqa: N818 no error: a way out of the first look
    """A picture is to be looked at again, and is then too large to be looked at at once."""

    def __init__(self, closer: float) -> None:
        super().__init__()
        self.closer = closer


@dataclass(frozen=True)
class Predictor(ABC):
    """A loaded model; a family says how it finds chromosomes in a picture at the model's scale.

    Attributes:
        card: The model's card.
        identity: What is written into results.
        check_input: The input rules, called with page and name; the default needs no Great Expectations.
        at_once: Pixels that a second look may have; 0: none is taken. Where it would have more, `begin` says so, which
            alone sets this, on a copy of its own.
    """

    card: ModelCard
    identity: ModelIdentity
    device: str = "cpu"
    check_input: Callable[..., Report] = field(default_factory=InputCheck)
    at_once: float = math.inf

    @property
    def limits(self) -> ImageLimits:
        """What the input rules demand of a picture: the limits in the card, or today's where it names none."""
        known = {name: value for name, value in self.card.input.items() if name not in _RETIRED}
        return parse(ImageLimits, known, "input") if known else ImageLimits()

    @property
    def fine(self) -> int:
        """How many times finer the network sees than it answers."""
        return 1

    @property
    def tone(self) -> float:
        """Median absorbance of its chromosomes to which a picture is brought for the network; 0: none."""
        return float(self.card.preprocessing.get("tone", 0.0))

    def seen_turned(self, pixels: int) -> bool:
        """Whether the network's answers are the mean over a picture and the same turned by 180°, if that is not large.

        A chromosome has no upper side, the network's errors do. The mean raised what is found at IoU ≥ 0.8 of 24
        validation metaphases from 0.826 to 0.844 by a network of maps; by a detector it spares 0.6 edits of 9.6 on 12
        Q-band ones and 0.7 of 14.9 on 12 of DAPI. Three more orientations add little to that.

        Args:
            pixels: Of the picture as the network sees it.
        """
        return bool(self.card.preprocessing.get("half_turn", False)) and pixels <= _MOST_TURNED

    def seen(self, absorbance: F32) -> F32:
        """A picture float32 (H, W) at the model's scale as coarse as the masks that `find` gives."""
        return coarse(absorbance, self.fine)

    @property
    def looks(self) -> dict[str, StainLook]:
        """How pictures of each stain look that it was trained on; {} in a card without them."""
        return {stain: StainLook.of_json(value) for stain, value in self.card.looks.items()}

    def without_sureness(self) -> Self:
        """The same model with the flags of stage 2 alone, and all that it takes for debris."""
        kept = {name: value for name, value in self.card.preprocessing.items() if name != "sureness"}
        return replace(self, card=replace(self.card, preprocessing=kept))

    def require_looks(self) -> None:
        """Refuse to be strict without knowing what is strange.

        Raises:
            ModelError: The card does not say how the pictures look that the model was trained on.
        """
        if not self.looks:
            raise ModelError(
                f"{self.card.name}, which does not say how the pictures look that it was trained on",
                expected="a model that knows a strange picture, to refuse it",
                remedy="leave --strict away, or choose a model whose card has `looks`",
            )

    @abstractmethod
    def infer(self, absorbance: F32) -> Any:
        """What the network alone, or each of two, makes of absorbance float32 (H, W) at the model's scale."""

    def look(self, absorbance: F32) -> Any:
        """What `solve` goes by: the answer of `infer`, and what follows from it for every pixel."""
        return self.infer(absorbance)

    @abstractmethod
    def solve(self, absorbance: F32, answer: Any, most: int | None = None) -> Found:
        """The chromosomes, from what `look` answered; arguments and errors as of `find`."""

    def found_width(self, answer: Any) -> float | None:
        """The width of the chromosomes that a `look` showed, in pixels of the picture; None if it cannot say."""
        return None

    def find(self, absorbance: F32, most: int | None = None) -> Found:
        """Find the chromosomes.

        Args:
            absorbance: float32 (H, W), at the model's own scale.
            most: Chromosomes; a family whose work grows with them without bound stops there. None for no limit.

        Raises:
            InputRefusedError: There are more than `most`.
        """
        picture, answer, closer = self.second_look(absorbance, self.look(absorbance))
        return replace(self.solve(picture, answer, most), closer=closer)

    def second_look(self, absorbance: F32, answer: Any) -> tuple[F32, Any, float]:
        """Look again where `closer_for` says so.

        Args:
            absorbance: float32 (H, W), at the model's own scale as estimated.
            answer: What `look` says of it.

        Returns:
            The picture that was looked at last, the answer to it, and by how much it was enlarged.
        """
        closer = self.closer_for(absorbance, self.found_width(answer) if self.card.trained_width else None)
        if closer == 1.0:
            return absorbance, answer, closer
        picture = resize(absorbance, closer)
        return picture, self.look(picture), closer

    def closer_for(self, absorbance: F32, own: float | None) -> float:
        """By how much to enlarge a picture that shows chromosomes of another width than the model was trained on.

        Before the network has run, their width is an estimate by thresholds, which on DAPI, where neighbours run
        together, was wrong by a quarter in a third of the pictures.

        Args:
            absorbance: float32 (H, W).
            own: Their width as a network saw it, in pixels of the picture; None if it cannot say.

        Returns:
            1.0 where the first look is good enough.

        Raises:
            _LookCloser: It would have more pixels than `at_once`.
        """
        wanted = self.card.trained_width
        if not (own and wanted and self.at_once):
            return 1.0
        fits = math.sqrt(self._most_pixels(MAX_SCALED) / absorbance.size)
        closer = min(max(wanted / own, 1 / _MOST_CLOSER), _MOST_CLOSER, max(fits, 1.0))
        if _RIGHT_ENOUGH <= closer <= 1 / _RIGHT_ENOUGH:
            return 1.0
        if math.prod(resized_shape(absorbance.shape, closer)) > self.at_once:
            raise _LookCloser(closer)
        return closer

    def find_all(self, absorbance: F32) -> tuple[Found, Found]:
        """What `find` gives, and with it all that is too unsure to be handed out: average precision needs that too."""
        picture, answer, closer = self.second_look(absorbance, self.look(absorbance))
        found, everything = self.conclude(picture, answer)
        enlarged = replace(found, closer=closer)
        return enlarged, enlarged if everything is found else replace(everything, closer=closer)

    @abstractmethod
    def conclude(self, absorbance: F32, answer: Any) -> tuple[Found, Found]:
        """As `find_all`, from what `look` answered; the two may be the same object."""

    def predict(
        self,
        source: Source,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
        page: int = 0,
        strict: bool = False,
        channel: str | None = None,
    ) -> Result:
        """Find the chromosomes of one picture.

        Args:
            source: A path, encoded bytes, or an array uint8/uint16 (H, W) or (H, W, 3); any size, either polarity.
            polarity: "auto" estimates it from the pixels.
            scale: Factor by which the picture is resized for the network; "auto" estimates it from the width of the
                chromosomes and leaves the picture as it is where that is near the training images'.
            page: Which page of a file of several.
            strict: Refuse a picture that looks like nothing the model was trained on; otherwise that is a warning.
            channel: "red", "green" or "blue", of a picture of several stains; None takes its grey.

        Raises:
            InputRefusedError: The picture cannot be read or breaks an input rule; the message names the rule.
            ModelError: `strict`, and the model does not say how the pictures look that it knows.
        """
        asked = Asked(polarity, scale, page, strict, channel)
        name = Path(source).name if isinstance(source, str | Path) else "the image"
        return self.predict_page(asked.decode(source), asked, name)

    def predict_page(self, picture: Picture, asked: Asked, name: str = "the image") -> Result:
        """As `predict`, for a picture that is decoded already; `name` is what messages call it."""
        prepared = self.prepare(picture, asked, name=name)
        clock = Clock()
        with clock.step("network"):
            (remainder,) = self.begin([prepared.scaled])
        assert not isinstance(remainder, CloserLook)  # any look may be taken here
        return replace(prepared, times={**prepared.times, **clock.times}).finish(remainder)

    def prepare(
        self,
        picture: Picture,
        asked: Asked,
        *,
        name: str = "the image",
        max_pixels: int = MAX_SCALED,
    ) -> Prepared:
        """All that comes before the network; arguments and errors as of `predict_page`.

        `max_pixels` is what a page may have at the model's scale, if that is less than `MAX_SCALED`.
        """
        if asked.strict:
            self.require_looks()
        clock, page = Clock(), picture.page(asked.page)
        with clock.step("validate"):  # before anything that costs more than the rules
            report = self.check_input(page, name)
        with clock.step("normalise"):
            most = min(max_pixels, MAX_SCALED)
            view = self.look_at(page, polarity=asked.polarity, scale=asked.scale, name=name, max_pixels=most)
        with clock.step("resize"):
            scaled = resize(view.absorbance, view.factor)
        return Prepared(
            view=view,
            scaled=scaled,
            validation=report.to_json(),
            image_sha256=picture.sha256,
            page=asked.page,
            name=name,
            model=self.identity,
            chromosome_area=self.card.chromosome_area,
            looks=self.looks,
            strict=asked.strict,
            times=clock.times,
        )

    def begin(self, images: Sequence[F32], at_once: float = math.inf) -> list[Remainder | CloserLook]:
        """Run the network on several pictures of one size; what then is left to do, another process may do.

        Args:
            images: Each float32 (H, W) at the model's own scale.
            at_once: Pixels that a second look may have; 0: none is taken.

        Returns:
            For each picture what, called, gives the same as `find` of at most `MOST_CHROMOSOMES`; or the picture for a
            second look that would have more than `at_once` pixels.
        """
        return replace(self, at_once=at_once)._begun(images)

    def _begun(self, images: Sequence[F32]) -> list[Remainder | CloserLook]:
        """As `begin`, with this predictor's own `at_once`."""
        return [self._unless_closer(image, self._remainder) for image in images]

    def _remainder(self, image: F32) -> Remainder:
        """What was found, or that it was too much: others in the batch have nothing to do with that."""
        try:
            return NothingLeft(self.find(image, most=MOST_CHROMOSOMES))
        except InputRefusedError as error:
            return Refused(error)

    def _unless_closer(self, image: F32, remainder: Callable[[F32], Remainder]) -> Remainder | CloserLook:
        """The remainder of a picture; or the picture enlarged, if that is too large to be looked at at once."""
        try:
            return remainder(image)
        except _LookCloser as needed:
            return CloserLook(resize(image, needed.closer), needed.closer)

    def look_at(
        self,
        page: Page,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
        name: str = "the image",
        max_pixels: int = MAX_SCALED,
    ) -> View:
        """Bring a page to absorbance, and find the factor to the model's scale; raises as `view_of`."""
        width = self.card.chromosome_width
        most = self._most_pixels(max_pixels)
        as_it_is = ALWAYS if self.card.trained_width else AS_IT_IS
        return view_of(page, width, polarity=polarity, scale=scale, name=name, max_pixels=most, as_it_is=as_it_is)

    def _most_pixels(self, most: int) -> int:
        """Of a picture as the network sees it, where it may have `most` at the scale of the masks."""
        return min(most * self.fine**2, MAX_SEEN)
