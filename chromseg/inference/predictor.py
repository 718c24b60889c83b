"""From a picture to its chromosomes: the way that all families share, in the order it happens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chromseg.annotations.absorbance import FloatArray, Polarity
from chromseg.annotations.pictures import MAX_PIXELS, Page, Picture, Source, read_picture
from chromseg.config import parse
from chromseg.inference.found import Clock, Found
from chromseg.inference.prepared import NothingLeft, Prepared, Remainder
from chromseg.inference.result import ModelIdentity, Result
from chromseg.inference.view import View, resize, view_of
from chromseg.models.package import ModelCard
from chromseg.validation import ImageLimits, InputCheck, Report


@dataclass(frozen=True)
class Predictor(ABC):
    """A loaded model; a family says how it finds chromosomes in a picture at the model's scale.

    Attributes:
        card: The model's card.
        identity: What is written into results.
        check_input: The input rules, called with page, name and `scale`; the default needs no Great Expectations.
    """

    card: ModelCard
    identity: ModelIdentity
    device: str = "cpu"
    check_input: Callable[..., Report] = field(default_factory=InputCheck)

    @staticmethod
    def from_folder(folder: Path, *, name: str = "", version: str | None = None, device: str = "cpu") -> Predictor:
        """Load a folder with `model.safetensors` and `model.json` as the family that its card names.

        Raises:
            ModelError: The folder holds no usable model.
        """
        from chromseg.inference.load import predictor_from_folder  # it knows the families, which know this class

        return predictor_from_folder(folder, name=name, version=version, device=device)

    @property
    def limits(self) -> ImageLimits:
        """What the input rules demand of a picture: the limits in the card, or today's where it names none."""
        return parse(ImageLimits, self.card.input, "input") if self.card.input else ImageLimits()

    @abstractmethod
    def infer(self, absorbance: FloatArray) -> Any:
        """What the network alone, or each of two, makes of absorbance float32 (H, W) at the model's scale."""

    @abstractmethod
    def find(self, absorbance: FloatArray, clock: Clock | None = None) -> Found:
        """Find the chromosomes.

        Args:
            absorbance: float32 (H, W), at the model's own scale.
            clock: Told how long each step takes.
        """

    def find_all(self, absorbance: FloatArray) -> tuple[Found, Found]:
        """What `find` gives, and with it all that is too unsure to be handed out: average precision needs that too."""
        return self.conclude(absorbance, self.infer(absorbance))

    @abstractmethod
    def conclude(self, absorbance: FloatArray, answer: Any) -> tuple[Found, Found]:
        """As `find_all`, from what `infer` answered; the two may be the same object."""

    def predict(
        self,
        source: Source,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
        page: int = 0,
    ) -> Result:
        """Find the chromosomes of one picture.

        Args:
            source: A path, encoded bytes, or an array uint8/uint16 (H, W) or (H, W, 3); any size, either polarity.
            polarity: "auto" estimates it from the pixels.
            scale: Factor by which the picture is resized for the network; "auto" estimates it from the width of the
                chromosomes and leaves the picture as it is where that is near the training images'.
            page: Which page of a file of several.

        Raises:
            InputRefusedError: The picture cannot be read or breaks an input rule; the message names the rule.
        """
        picture = read_picture(source)
        name = Path(source).name if isinstance(source, str | Path) else "the image"
        return self.predict_page(picture, page, polarity=polarity, scale=scale, name=name)

    def predict_page(
        self,
        picture: Picture,
        page: int = 0,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
        name: str = "the image",
    ) -> Result:
        """As `predict`, for a picture that is decoded already; `name` is what messages call it."""
        prepared = self.prepare(picture, page, polarity=polarity, scale=scale, name=name)
        clock = Clock()
        return prepared.result(self.find(prepared.scaled, clock), clock.times)

    def prepare(
        self,
        picture: Picture,
        page: int = 0,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
        name: str = "the image",
        max_pixels: int = MAX_PIXELS,
    ) -> Prepared:
        """All that comes before the network; arguments and errors as of `predict_page`.

        `max_pixels` is what a page may have at the model's scale.
        """
        clock = Clock()
        with clock.step("normalise"):
            view = self.look_at(picture.page(page), polarity=polarity, scale=scale)
        with clock.step("validate"):
            if scale != "auto":  # a wrong factor makes the rules refuse a good picture, with the wrong reason
                view.check_scale(name, max_pixels)
            report = self.check_input(picture.page(page), name, scale=view.page_pixels)
            view.check_scale(name, max_pixels)
        with clock.step("resize"):
            scaled = resize(view.absorbance, view.factor)
        return Prepared(
            view=view,
            scaled=scaled,
            validation=report.to_json(),
            image_sha256=picture.sha256,
            page=page,
            name=name,
            model=self.identity,
            chromosome_area=self.card.chromosome_area,
            times=clock.times,
        )

    def begin(self, images: Sequence[FloatArray]) -> list[Remainder]:
        """Run the network on several pictures of one size; what then is left to do, another process may do.

        Args:
            images: Each float32 (H, W) at the model's own scale.

        Returns:
            For each picture what, called, gives the same as `find`.
        """
        return [NothingLeft(self.find(image)) for image in images]

    def look_at(
        self,
        page: Page,
        *,
        polarity: Polarity | Literal["auto"] = "auto",
        scale: float | Literal["auto"] = "auto",
    ) -> View:
        """Bring a page to absorbance, and find the factor to the model's scale."""
        return view_of(page, self.card.chromosome_width, polarity=polarity, scale=scale)
