"""How a picture is shown to a network, and how masks come back: polarity, absorbance, scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from chromseg.arrays import F32
from chromseg.errors import InputRefusedError
from chromseg.images.absorbance import Polarity, to_absorbance
from chromseg.images.appearance import estimate_polarity, looks_of
from chromseg.images.pictures import Page
from chromseg.images.reduction import reduced
from chromseg.images.scale import AS_IT_IS, factor_between
from chromseg.validation.limits import ResultLimits

SCALE_ALLOWED = (0.2, 5.0)
MAX_SCALED = (
    2_000_000  # pixels at the model's scale, where a metaphase has a quarter of that: a network takes 0.7 KB each
)
MAX_SEEN = 4_500_000  # pixels that a network sees; of 959 metaphases at hand five would have more, 5.2 at most
MOST_CHROMOSOMES = ResultLimits().most_instances
_ROUNDING = 1.001  # of a factor that was made to fit


@dataclass(frozen=True)
class View:
    """A page as the model is to see it.

    Attributes:
        polarity: Given or estimated.
        absorbance: float32 (H, W), at the page's own size.
        factor: By which it is to be resized.
    """

    polarity: Polarity
    absorbance: F32
    factor: float


def view_of(
    page: Page,
    width: float | None,
    *,
    polarity: Polarity | Literal["auto"] = "auto",
    scale: float | Literal["auto"] = "auto",
    name: str = "the image",
    max_pixels: int = MAX_SCALED,
    as_it_is: tuple[float, float] = AS_IT_IS,
) -> View:
    """Bring a page to absorbance, and find the factor to a model's scale.

    Args:
        page: Decoded.
        width: Of the chromosomes that the model was trained on, in pixels; None if unknown.
        polarity: "auto" estimates it.
        scale: "auto" estimates it; a picture near the model's scale is left as it is, or made smaller as far as the
            model bears if it has too many pixels.
        name: What messages call it.
        max_pixels: It may have at the model's scale.
        as_it_is: Factors that are so near 1 that the picture is left as it is.

    Raises:
        InputRefusedError: It shows more objects than any metaphase, the factor is outside `SCALE_ALLOWED`, or the page
            too large for it.
    """
    used = estimate_polarity(page.grey) if polarity == "auto" else polarity
    small, step = reduced(page.grey)
    absorbance = to_absorbance(small, used)
    looks = looks_of(absorbance)
    _check_count(looks.number, name)
    factor = float(scale) if scale != "auto" else _factor(step * looks.width, width, page, max_pixels, as_it_is)
    _check_scale(page.grey.size, factor, name, max_pixels)
    return View(used, absorbance if small is page.grey else to_absorbance(page.grey, used), factor)


def _factor(own: float, wanted: float | None, page: Page, max_pixels: int, as_it_is: tuple[float, float]) -> float:
    """The factor from chromosomes `own` pixels wide to those that the model knows, and to what it can take."""
    factor = factor_between(own, wanted, as_it_is)
    fits = math.sqrt(max_pixels / page.grey.size)
    if factor <= fits or not own or not wanted:
        return factor
    least = wanted / own / AS_IT_IS[1]
    return max(least, fits) if least < factor else factor


def _check_count(count: int, name: str) -> None:
    if count > MOST_CHROMOSOMES:
        raise InputRefusedError(
            f"{name} has {count} objects as large as chromosomes",
            expected=f"at most {MOST_CHROMOSOMES}: no metaphase has more",
            remedy="cut the picture to one metaphase",
        )


def _check_scale(pixels: int, factor: float, name: str, max_pixels: int) -> None:
    if not SCALE_ALLOWED[0] <= factor <= SCALE_ALLOWED[1]:
        raise InputRefusedError(
            f"{name} must be resized by {factor:.2f} to bring its chromosomes to the model's scale",
            expected=f"a factor from {SCALE_ALLOWED[0]} to {SCALE_ALLOWED[1]}",
            remedy="resize the picture, or give the factor yourself with --scale if the estimate is wrong",
        )
    if pixels * factor**2 > max_pixels * _ROUNDING:
        raise InputRefusedError(
            f"{name} has {pixels * factor**2 / 1e6:.1f} megapixels when resized by {factor:.2f}",
            expected=f"at most {max_pixels / 1e6:g} megapixels",
            remedy="cut the picture to one metaphase, or give the factor yourself if the estimate is wrong",
        )
