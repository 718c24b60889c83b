"""Pixels that Pillow reads with fewer bits than they have, or with a wrong sign, and how they are read instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _KIND = 258, 262, 277, 338, 339  # tags of TIFF
_WHITE_IS_ZERO, _ALPHA, _UNSIGNED, _SIGNED = 0, (1, 2), 1, 2


def is_beyond_pillow(tags: Mapping[int, Any]) -> bool:
    """Whether a page of a TIFF with these tags is to be read by tifffile.

    Pillow keeps the upper 8 bits of colour of 16, mixes up its planes, takes signed bytes and large whole numbers for
    others, a second channel for transparency, and inverts pages in which 0 is white only if they have 8 bits.
    """
    bits, kind = max(tags.get(_BITS, (1,))), tags.get(_KIND, (_UNSIGNED,))[0]
    samples, extra = tags.get(_SAMPLES, 1), tags.get(_EXTRA, ())
    second_channel = samples == 2 and not set(np.atleast_1d(extra).tolist()) & set(_ALPHA)
    wrong_sign = (kind, bits) in ((_SIGNED, 8), (_UNSIGNED, 32))
    return wrong_sign or second_channel or (bits > 8 and (samples > 1 or tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO))


def zero_is_black(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Whole numbers in which 0 is white, inverted within the 8, 12 or 16 bits that they use.

    Raises:
        ValueError: They are no such numbers: what white is, is not said.
    """
    if pixels.dtype.kind != "u" or (top := int(pixels.max(initial=0))) > 65535:
        raise ValueError("0 is white, and what is black is not said")
    white = 255 if pixels.dtype.itemsize == 1 else 4095 if top < 4096 else 65535
    return (white - pixels.astype(np.uint16)).astype(pixels.dtype)


def is_deep_png(content: bytes) -> bool:
    """Whether a file begins as a PNG of 16 bits that has colour or transparency."""
    return (
        content.startswith(b"\x89PNG\r\n\x1a\n")
        and content[24:25] == b"\x10"
        and content[25:26] in (b"\2", b"\4", b"\6")
    )


def read_deep_png(content: bytes) -> npt.NDArray[Any] | None:
    """Its pixels, uint16 (H, W) or (H, W, 3); None where some are transparent."""
    import imagecodecs

    pixels = np.asarray(imagecodecs.png_decode(content))
    if pixels.shape[2] == 3:
        return pixels
    opaque = pixels[..., -1].min() == 65535
    return (pixels[..., 0] if pixels.shape[2] == 2 else pixels[..., :3]) if opaque else None
