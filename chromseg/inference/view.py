"""How a picture is shown to a network, and how masks come back: polarity, absorbance, scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from chromseg.annotations.absorbance import FloatArray, Polarity, to_absorbance
from chromseg.annotations.appearance import estimate_polarity, estimate_width
from chromseg.annotations.pictures import MAX_PIXELS, Page
from chromseg.annotations.rasterize import BoolArray
from chromseg.errors import InputRefusedError

SCALE_AS_IT_IS = (0.7, 1.4)  # factors within what training has seen: resizing would only blur
SCALE_ALLOWED = (0.2, 5.0)


@dataclass(frozen=True)
class View:
    """A page as the model is to see it.

    Attributes:
        polarity: Given or estimated.
        absorbance: float32 (H, W), at the page's own size.
        factor: By which it is to be resized.
    """

    polarity: Polarity
    absorbance: FloatArray
    factor: float

    @property
    def page_pixels(self) -> float:
        """How many of the page's pixels make one of the model's."""
        return 1 / min(max(self.factor, SCALE_ALLOWED[0]), SCALE_ALLOWED[1])

    def check_scale(self, name: str, max_pixels: int = MAX_PIXELS) -> None:
        """Refuse a page that would have to be resized too much, or to more than `max_pixels`.

        Raises:
            InputRefusedError: The factor is outside `SCALE_ALLOWED`, or the page too large for it.
        """
        if not SCALE_ALLOWED[0] <= self.factor <= SCALE_ALLOWED[1]:
            raise InputRefusedError(
                f"{name} must be resized by {self.factor:.2f} to bring its chromosomes to the model's scale",
                expected=f"a factor from {SCALE_ALLOWED[0]} to {SCALE_ALLOWED[1]}",
                remedy="resize the picture, or give the factor yourself with --scale if the estimate is wrong",
            )
        pixels = self.absorbance.size * self.factor**2
        if pixels > max_pixels:
            raise InputRefusedError(
                f"{name} has {pixels / 1e6:.1f} megapixels when resized by {self.factor:.2f}",
                expected=f"at most {max_pixels / 1e6:g} megapixels",
                remedy="cut the picture to one metaphase, or give the factor yourself if the estimate is wrong",
            )


def view_of(
    page: Page,
    width: float | None,
    *,
    polarity: Polarity | Literal["auto"] = "auto",
    scale: float | Literal["auto"] = "auto",
) -> View:
    """Bring a page to absorbance, and find the factor to a model's scale.

    Args:
        page: Decoded.
        width: Of the chromosomes that the model was trained on, in pixels; None if unknown.
        polarity: "auto" estimates it.
        scale: "auto" estimates it; a picture near the model's scale is left as it is.
    """
    used = estimate_polarity(page.grey) if polarity == "auto" else polarity
    absorbance = to_absorbance(page.grey, used)
    factor = factor_between(estimate_width(absorbance), width) if scale == "auto" else float(scale)
    return View(used, absorbance, factor)


def factor_between(width: float | None, wanted: float | None) -> float:
    """Factor from chromosomes of one width to another; 1 where either is unknown or they are much alike."""
    if not width or not wanted:
        return 1.0
    factor = wanted / width
    return 1.0 if SCALE_AS_IT_IS[0] <= factor <= SCALE_AS_IT_IS[1] else factor


def resize(image: FloatArray, factor: float) -> FloatArray:
    """Resize float32 (H, W) by a factor, smoothed before it is made smaller."""
    if factor == 1.0:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape)
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(np.clip(np.asarray(picture), 0, 1), dtype=np.float32)


def resize_mask(mask: BoolArray, shape: tuple[int, int]) -> BoolArray:
    """Bring a mask bool (h, w) to another size; its border is where linear interpolation crosses one half."""
    if mask.shape == shape:
        return mask
    picture = Image.fromarray(mask.astype(np.float32)).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(np.asarray(picture) >= 0.5)
