"""Reading one picture of a dataset: grey pixels as they are stored, upright, whole or not at all."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from chromseg.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MAX_PIXELS = 100_000_000  # 10,000 × 10,000; a metaphase has about two million


def read_grey(source: Path | bytes, name: str = "") -> npt.NDArray[Any]:
    """Decode a picture completely, turn it upright (EXIF) and make it grey.

    Args:
        source: A file, or the bytes of one.
        name: What to call it in errors; the path if empty.

    Returns:
        (H, W), uint8, or uint16, int32 or float32 where the file holds more than 8 bits.

    Raises:
        DataError: It is missing, no picture, truncated, of several pages, or larger than 100 million pixels.
    """
    name = name or str(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tag and palette oddities; size is checked below
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
                _check(picture, name)
                upright = ImageOps.exif_transpose(picture)
                deep = upright.mode.startswith(("I", "F"))
                return np.asarray(upright if deep else upright.convert("L"))
    except FileNotFoundError as error:
        raise DataError(
            f"no image {name}", expected="the image file", remedy="put it back or drop its annotation"
        ) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{name} cannot be read as an image ({_reason(error)})",
            expected="a whole PNG, JPEG, BMP or TIFF file",
            remedy="replace the file or leave it out",
        ) from error


def _check(picture: Image.Image, name: str) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{name} has {width}×{height} pixels",
            expected=f"at most {MAX_PIXELS:,} pixels",
            remedy="cut the picture to one metaphase",
        )
    if getattr(picture, "n_frames", 1) > 1:
        raise DataError(
            f"{name} has {getattr(picture, 'n_frames', 1)} pages",
            expected="one page, to which the annotation belongs",
            remedy="save the annotated page alone",
        )


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "not a picture" if "cannot identify image file" in text else text
