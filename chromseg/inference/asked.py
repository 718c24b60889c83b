"""How a picture is to be read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from chromseg.images.absorbance import Polarity
from chromseg.images.pictures import Picture, Source, read_picture


def scale_of(text: str, below: float = math.inf) -> float | Literal["auto"]:
    """A scale as somebody types it: `auto`, or a number above 0 and below a limit.

    Raises:
        ValueError: It is neither.
    """
    if text == "auto":
        return "auto"
    value = float(text)
    if not 0 < value < below:
        raise ValueError(f"{text} is not above 0 and below {below:g}")
    return value


@dataclass(frozen=True)
class Asked:
    """What a caller may ask for; the meaning of each is that of `Predictor.predict`."""

    polarity: Polarity | Literal["auto"] = "auto"
    scale: float | Literal["auto"] = "auto"
    page: int = 0
    strict: bool = False
    channel: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What results keep of it, and a resumed job compares."""
        asked: dict[str, Any] = {"asked_polarity": self.polarity, "asked_scale": self.scale}
        if self.strict:
            asked["strict"] = True
        if self.channel is not None:
            asked["channel"] = self.channel
        return asked

    def decode(
        self, source: Source, name: str = "the image", *, max_pixels: int | None = None, max_total: int | None = None
    ) -> Picture:
        """Decode a file, and take the channel of it that is asked for; limits and errors as of `read_picture`."""
        picture = read_picture(source, name=name, max_pixels=max_pixels, max_total=max_total)
        return picture if self.channel is None else picture.of_channel(self.channel)
