"""Plain facts of one image's pixels, fast enough to compute before every prediction (≤ 30 ms for 768×576).

Facts are what rules judge (`rules.py`); nothing here refuses or raises. A fact that cannot be measured, because an
earlier one already settles the matter (a blank picture has no focus), is None, and rules pass over it. A large page is
made smaller before it is measured (`reduction`), so that none costs more than a camera's picture.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from chromseg.arrays import F32, Bool
from chromseg.images.reduction import reduced
from chromseg.validation.focus import blur_width, fineness

Facts: TypeAlias = dict[str, Any]
Array: TypeAlias = npt.NDArray[Any]

SHAPE_FACTS = ("height", "width", "megapixels", "shorter_side", "bit_depth", "not_finite")
PIXEL_FACTS = (
    "contrast",
    "contrast_to_noise",
    "foreground_share",
    "clipped_share",
    "n_objects",
    "blur_px",
    "fineness",
    "wide_fineness",
    "colour_spread",
    "polarity",
)
SMALLEST_MEASURED = 12  # px; a picture narrower than this has a size and no other facts
LARGEST_MEASURED = 100.0  # megapixels; a larger page has a size and no other facts
FAINTEST_MEASURED = 0.05  # contrast below which there is no object whose focus or clipping could be judged

_SMALL_PICTURE = 64  # reduced pixels; up to this side the ground is one value
_REDUCTION = 4
_LEAST_OBJECT = 12  # px; less is a speck
_LEAST_BLUR = 3.5  # px; the finest things that pixels show are hardly finer
_WIDE_BLUR = 6.0  # px; edges of real pictures at their own size are up to 5.9 px wide
_FOREGROUND_LEVEL = 0.3  # of the way from the ground to the strongest object
_CLIPPED_WITHIN = 0.01  # of full scale from the extreme value
_MAX_RATIO = 1000.0
_COLOUR_SAMPLES = 20_000


def image_facts(grey: Array, rgb: Array | None = None, bit_depth: int | None = None) -> Facts:
    """Measure one decoded page.

    Args:
        grey: real (H, W), either polarity: uint8, uint16 (also 12 bits in 16), bool or float.
        rgb: uint8 (H, W, 3) of the same page where the file has colour, else None.
        bit_depth: Bits a pixel the file declares; None takes the array's own.

    Returns:
        All of `SHAPE_FACTS` and `PIXEL_FACTS`:
        `height`, `width`, `shorter_side` in px, `megapixels`, `bit_depth`; `not_finite`, number of NaN or infinite
        pixels; `contrast`, difference between the strongest 0.1 % of pixels and their surroundings after smoothing, in
        fractions of full scale; `contrast_to_noise`, the same in units of the pixel noise; `foreground_share`,
        fraction of the page that objects cover; `clipped_share`, fraction of that at the extreme grey value;
        `n_objects`, how many regions stand out; `blur_px`, sigma of the edges in px; `fineness`, how much of what there
        is to see is as fine as that (`focus.fineness`) where edges are as wide as those of the softest real pictures,
        `wide_fineness` the same where they are wider (None elsewhere); `colour_spread`, fraction of full scale by which
        pixels leave the one line in RGB space that a grey or one-stain picture lies on (None without rgb); `polarity`,
        "dark-on-light" or "light-on-dark", an estimate.
    """
    height, width = grey.shape
    facts: Facts = dict.fromkeys(SHAPE_FACTS + PIXEL_FACTS)
    facts |= {"height": height, "width": width, "shorter_side": min(height, width)}
    facts |= {"megapixels": height * width / 1e6, "bit_depth": bit_depth or _bits(grey)}
    if facts["megapixels"] > LARGEST_MEASURED:
        return facts
    facts["not_finite"] = int(grey.size - np.isfinite(grey).sum()) if grey.dtype.kind == "f" else 0
    if facts["not_finite"] or min(height, width) < SMALLEST_MEASURED:
        return facts
    looked_at, step = reduced(grey)
    facts |= _intensity_facts(looked_at.astype(np.float32) * np.float32(1 / full_scale(grey)), step)
    facts["colour_spread"] = None if rgb is None else colour_spread(rgb)
    return facts


def full_scale(grey: Array) -> float:
    """The value of a fully exposed pixel: 255 for 8 bits; for deeper ones that of the fewest camera bits that hold it.

    Cameras of 10, 12 or 14 bits write 16-bit files; floats may be within 0-1 or use any of these scales. A value that
    none holds is its own scale.
    """
    if grey.dtype == np.bool_:
        return 1.0
    scales: tuple[float, ...] = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
    scales = scales if grey.dtype.kind in "ui" else (1.0, *scales)
    top = float(grey.max(initial=0))
    return next((scale for scale in scales if top <= scale), top)


def colour_spread(rgb: Array) -> float:
    """Second principal deviation of the colours of uint8 (H, W, 3), in fractions of 255.

    Grey pictures and pictures of one stain lie on one line in RGB space, whatever its tint (measured: ≤ 0.01);
    photographs leave it (≥ 0.04).
    """
    step = max(1, round((rgb.shape[0] * rgb.shape[1] / _COLOUR_SAMPLES) ** 0.5))
    colours = rgb[::step, ::step, :3].reshape(-1, 3).astype(np.float32) / 255
    return float(max(0.0, np.linalg.eigvalsh(np.cov(colours.T))[1]) ** 0.5)


def _intensity_facts(image: F32, made_smaller: int) -> Facts:
    """Facts of a page float32 (H, W) within 0-1 (negative where a float file is), so many times smaller."""
    blur, smooth = blur_width(image)
    step = max(1, min(_REDUCTION, min(smooth.shape) // 32))
    small = smooth[::step, ::step]
    contrast = _spread(small - _even_ground(small))
    noise = _noise(image, smooth)
    facts: Facts = {
        "contrast": contrast,
        "contrast_to_noise": min(_MAX_RATIO, contrast / noise) if noise > 0 else _MAX_RATIO,
    }
    if contrast < FAINTEST_MEASURED:
        return facts | {"contrast_to_noise": None}
    ground = _rim_median(image)
    low, high = np.percentile(small - ground, [0.1, 99.9])
    sign = 1 if high > -low else -1
    level = _FOREGROUND_LEVEL * max(high, -low)
    shown = np.clip((image - ground) * sign, 0, max(high, -low))
    fine = fineness(shown, blur) if blur > _LEAST_BLUR else None
    wide = blur * made_smaller > _WIDE_BLUR
    return facts | {
        "foreground_share": float(((small - ground) * sign > level).mean()),
        "clipped_share": _clipped(image[::2, ::2], ground, sign, level),
        "n_objects": _count((smooth - ground) * sign > level),
        "blur_px": blur * made_smaller,
        "fineness": None if wide else fine,
        "wide_fineness": fine if wide else None,
        "polarity": "light-on-dark" if sign > 0 else "dark-on-light",
    }


def _count(foreground: Bool) -> int:
    """How many regions bool (H, W) has that are no specks."""
    labels, _ = ndimage.label(foreground, structure=np.ones((3, 3)))
    return int((np.bincount(labels.ravel())[1:] >= _LEAST_OBJECT).sum())


def _even_ground(small: F32) -> Any:
    """The ground with its slow changes, so that an empty field under uneven light has no contrast.

    A quadratic surface fitted to the whole page; in a small picture, which objects may fill, one value.
    """
    if min(small.shape) <= _SMALL_PICTURE:
        return np.median(small)
    row, col = (np.linspace(-1, 1, side, dtype=np.float32) for side in small.shape)
    y, x = np.meshgrid(row, col, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)  # H,W,6
    few = (slice(None, None, 3), slice(None, None, 3))
    weights = np.linalg.lstsq(terms[few].reshape(-1, 6), small[few].ravel(), rcond=None)[0]
    return terms @ weights


def _spread(values: F32) -> float:
    low, high = np.percentile(values, [0.1, 99.9])
    return float(high - low)


def _noise(image: F32, smooth: F32) -> float:
    """Pixel noise: the usual size of what smoothing removes, half of all pixels having less."""
    top, left = ((a - b) // 2 for a, b in zip(image.shape, smooth.shape, strict=True))
    if top < 0:  # a small picture was padded
        image, top, left = np.pad(image, -top, mode="edge"), 0, 0
    rows, cols = smooth.shape
    same = image[top : top + rows : 3, left : left + cols : 3]
    return float(np.median(np.abs(same - smooth[::3, ::3])) / 0.6745)


def _rim_median(image: F32) -> float:
    """The ground: a chromosome may fill a tight cut-out, never its rim as well."""
    return float(np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])))


def _clipped(sample: F32, ground: float, sign: int, level: float) -> float:
    """Fraction of the foreground that sits at the extreme value, where bands are lost."""
    objects = sample[(sample - ground) * sign > level]
    if not objects.size:
        return 0.0
    extreme = objects.max() if sign > 0 else objects.min()
    return float((np.abs(objects - extreme) <= _CLIPPED_WITHIN).mean())


def _bits(grey: Array) -> int:
    return 1 if grey.dtype == np.bool_ else 8 * grey.dtype.itemsize
