"""Image files of any common kind → grey pages, upright, with their bit depth.

PNG, JPEG, BMP and TIFF; 8, 12-in-16 and 16 bit, float; grey, RGB, palette, alpha, CMYK; several pages; EXIF turned.
Pillow reads what it can; what it reads with fewer bits or wrongly (`deep`), or not at all (float64, say), others read.
Datasets and predictions are read by the same code, so a network sees equal pixels in both.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, ImageSequence
from PIL.TiffImagePlugin import TiffImageFile

from chromseg.arrays import U8
from chromseg.errors import DataError, InputRefusedError
from chromseg.images.deep import is_beyond_pillow, is_deep_png, read_deep_png
from chromseg.images.foreign import refuse_foreign
from chromseg.images.reduction import reduced
from chromseg.images.tiff import ACCEPTED, MOST_PAGES, TiffError, check_directories, is_tiff, read_arrays

MAX_PIXELS = 100_000_000  # 10,000 × 10,000; a metaphase has about two million
_MAX_BYTES = 400_000_000  # of one page as it is decoded; colour in float64 has 24 a pixel
_BAND = 4_000_000  # pixels that are converted at a time
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "TIFF")

CHANNELS = ("red", "green", "blue")

Source: TypeAlias = "Path | str | bytes | npt.NDArray[Any]"


@dataclass(frozen=True)
class Page:
    """One picture of a file.

    Attributes:
        grey: (H, W), uint8, uint16 or float32, upright.
        rgb: uint8 (H, W, 3) where the file has colour, else None.
        bit_depth: Bits that the values use: 8, 12 or 16; 32 for float.
    """

    grey: npt.NDArray[Any]
    rgb: U8 | None
    bit_depth: int


@dataclass(frozen=True)
class Picture:
    """All pages of one source, and the SHA-256 of its bytes (of its pixels, for an array)."""

    pages: tuple[Page, ...]
    sha256: str

    def page(self, number: int) -> Page:
        """Page `number`, from 0.

        Raises:
            InputRefusedError: The file has no such page.
        """
        if not 0 <= number < len(self.pages):
            raise InputRefusedError(
                f"page {number} of a file of {len(self.pages)}",
                expected=f"0 to {len(self.pages) - 1}",
                remedy="choose another page",
            )
        return self.pages[number]

    def of_channel(self, channel: str) -> Picture:
        """The same picture with one colour channel, 8 bits deep, as the grey of every page.

        Raises:
            InputRefusedError: A page has no colours, or there is no such channel.
        """
        if channel not in CHANNELS:
            raise InputRefusedError(
                f"channel {channel!r}", expected=f"one of {', '.join(CHANNELS)}", remedy="choose one of them"
            )
        pages = []
        for page in self.pages:
            if page.rgb is None:
                raise InputRefusedError(
                    f"the {channel} channel of a grey picture",
                    expected="a picture in colour",
                    remedy="leave the channel away: a grey picture has but one",
                )
            pages.append(Page(np.ascontiguousarray(page.rgb[..., CHANNELS.index(channel)]), None, 8))
        return replace(self, pages=tuple(pages))


def read_picture(
    source: Source, *, name: str = "the image", max_pixels: int | None = None, max_total: int | None = None
) -> Picture:
    """Decode a path, encoded bytes, or an array uint8/uint16/float (H, W) or (H, W, 3).

    Nothing is decoded before the size in the header is known to be allowed.

    Args:
        source: The picture.
        name: What to call it in errors; a path has its own.
        max_pixels: Of one page; default `MAX_PIXELS`.
        max_total: Of all pages together; default as `max_pixels`.

    Raises:
        InputRefusedError: The source is no readable image, or larger than that.
    """
    max_pixels = MAX_PIXELS if max_pixels is None else max_pixels
    if isinstance(source, np.ndarray):
        return Picture((_page_of_array(source, name),), hashlib.sha256(source.tobytes()).hexdigest())
    if isinstance(source, bytes):
        content = source
    elif isinstance(source, str | Path):
        name = Path(source).name
        content = _read_bytes(Path(source))
    else:
        raise InputRefusedError(
            f"{name} is a Python {type(source).__name__}",
            expected="a path, the bytes of a picture file, or a NumPy array (H, W) or (H, W, 3)",
            remedy="pass one of these; `numpy.asarray` makes an array of most picture objects",
        )
    together = max_pixels if max_total is None else max_total
    pages = _read_with_pillow(content, name, _Allowance(name, max_pixels, together))
    return Picture(pages, hashlib.sha256(content).hexdigest())


def read_grey(source: Path | bytes, name: str = "") -> npt.NDArray[Any]:
    """The grey pixels of a dataset's picture, which has one page.

    Args:
        source: A file, or the bytes of one.
        name: What to call it in errors; the path if empty.

    Returns:
        (H, W), uint8, uint16 or float32, upright.

    Raises:
        DataError: It is missing, no whole picture, of several pages, or larger than `MAX_PIXELS`.
    """
    name = name or str(source)
    if isinstance(source, Path) and not source.exists():
        raise DataError(f"no image {name}", expected="the image file", remedy="put it back or drop its annotation")
    try:
        content = source if isinstance(source, bytes) else _read_bytes(source)
        pages = read_picture(content, name=name).pages
    except InputRefusedError as error:
        remedy = "replace the file or leave it out"
        raise DataError(error.got, expected=error.expected, remedy=remedy) from error
    if len(pages) > 1:
        raise DataError(
            f"{name} has {len(pages)} pages",
            expected="one page, to which the annotation belongs",
            remedy="save the annotated page alone",
        )
    return pages[0].grey


def _read_bytes(path: Path) -> bytes:
    refuse_foreign(b"", path.name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputRefusedError(
            f"{path} cannot be opened ({error.strerror})", expected="a readable file", remedy="check the path"
        ) from error


class _Allowance:
    """The pixels that a file may have; each page is taken off before it is decoded."""

    def __init__(self, name: str, a_page: int, together: int) -> None:
        self.name, self.a_page, self.together, self.taken = name, a_page, together, 0

    def take(self, size: tuple[int, int], pixel_bytes: int = 1) -> None:
        """Refuse a page (width, height) that is too large, alone or with those before it."""
        pixels = size[0] * size[1]
        self.taken += pixels
        if pixels > self.a_page:
            raise _too_large(self.name, f"{size[0]}×{size[1]} pixels", self.a_page)
        if pixels * pixel_bytes > _MAX_BYTES:
            got = f"{size[0]}×{size[1]} pixels of {pixel_bytes} bytes"
            raise _too_large(self.name, got, _MAX_BYTES // pixel_bytes)
        if self.taken > self.together:
            raise _too_large(self.name, f"pages of together {self.taken / 1e6:.1f} megapixels or more", self.together)


def _read_with_pillow(content: bytes, name: str, allowance: _Allowance) -> tuple[Page, ...]:
    refuse_foreign(content, name)
    try:
        if is_tiff(content):
            check_directories(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is judged below
            warnings.simplefilter("ignore", UserWarning)  # odd metadata is no reason to refuse pixels
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if is_deep_png(content):
                    allowance.take(picture.size, 8)
                    pixels = read_deep_png(content)
                    if pixels is not None:
                        return (_page_of_array(pixels, name),)
                    allowance = _Allowance(name, allowance.a_page, allowance.together)
                return tuple(_page_of_picture(frame) for frame in _frames(picture, allowance))
    except Image.DecompressionBombError as error:
        number = re.search(r"\d+", str(error))  # Pillow refuses before it tells the size in any other way
        size = f"{int(number[0]) / 1e6:.0f} megapixels" if number else "too many pixels"
        raise _too_large(name, size, allowance.a_page) from error
    except TiffError as error:
        raise _odd_tiff(name, error) from error
    except InputRefusedError:
        raise
    except Exception as error:  # Pillow's readers raise many kinds on damaged files, TypeError among them
        if is_tiff(content):
            return _read_with_tifffile(content, name, _Allowance(name, allowance.a_page, allowance.together))
        raise _unreadable(name) from error


def _frames(picture: Image.Image, allowance: _Allowance) -> Iterator[Image.Image]:
    """The pages, each decoded when the one before it is done with."""
    for frame in ImageSequence.Iterator(picture) if picture.format == "TIFF" else [picture]:
        if isinstance(frame, TiffImageFile) and is_beyond_pillow(frame.tag_v2):
            raise ValueError("a page for tifffile")
        allowance.take(frame.size, _pixel_bytes(frame))
        if frame.mode.startswith("I;16") and frame.mode != "I;16":
            frame = frame.convert("I")
        yield ImageOps.exif_transpose(frame)


def _pixel_bytes(frame: Image.Image) -> int:
    """Bytes of a pixel as Pillow holds it."""
    if frame.mode in ("I", "F", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "LA", "PA", "RGBX", "RGBa", "La"):
        return 4
    return 2 if frame.mode.startswith("I;16") else 1


def _page_of_picture(picture: Image.Image) -> Page:
    if picture.mode in ("I;16", "I", "F"):
        return _page_of_array(np.asarray(picture), "the image")
    if picture.mode in ("1", "L"):
        return Page(np.asarray(picture.convert("L")), None, 8)
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        return _page_of_array(_flatten(np.asarray(picture.convert("RGBA"))), "the image")
    return _page_of_array(np.asarray(picture.convert("RGB")), "the image")


def _read_with_tifffile(content: bytes, name: str, allowance: _Allowance) -> tuple[Page, ...]:
    try:
        arrays = read_arrays(content, allowance.take)
    except TiffError as error:
        raise _odd_tiff(name, error) from error
    except InputRefusedError:
        raise
    except Exception as error:  # tifffile and its codecs raise many kinds; each means the same to the user
        raise _unreadable(name) from error
    if not arrays:
        raise _unreadable(name, " (it has no page)")
    return tuple(_page_of_array(array, name) for array in arrays)


def _page_of_array(array: npt.NDArray[Any], name: str) -> Page:
    if array.ndim == 3 and array.shape[0] in (3, 4) and array.shape[2] not in (3, 4):
        array = np.moveaxis(array, 0, -1)  # planar TIFF
    if array.ndim == 3 and array.shape[2] in (3, 4):
        return _page_of_colour(array[..., :3])
    if array.ndim != 2 or 0 in array.shape:
        raise _unreadable(name, f" (it is an array of shape {array.shape})")
    if array.dtype == np.bool_:
        return Page(array.astype(np.uint8) * 255, None, 8)
    if np.issubdtype(array.dtype, np.floating):
        return Page(array.astype(np.float32), None, 32)
    if array.dtype == np.uint8:
        return Page(array, None, 8)
    if array.min() < 0 or array.max() > 65535:
        return Page(array.astype(np.float32), None, 32)
    return Page(array.astype(np.uint16), None, 12 if array.max() < 4096 else 16)


def _page_of_colour(colour: npt.NDArray[Any]) -> Page:
    if colour.dtype == np.uint8:
        if (colour[..., 0] == colour[..., 1]).all() and (colour[..., 1] == colour[..., 2]).all():
            return Page(np.ascontiguousarray(colour[..., 0]), None, 8)
        return Page(np.asarray(Image.fromarray(np.ascontiguousarray(colour)).convert("L")), colour, 8)
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey = _in_bands(colour, lambda band: (band.astype(np.float32) @ weights).astype(colour.dtype))
    full = max(float(np.nanmax(colour)), 1e-9)
    rgb = _in_bands(colour, lambda band: (np.nan_to_num(band / full).clip(0, 1) * 255).astype(np.uint8))
    page = _page_of_array(grey, "the image")
    return Page(page.grey, rgb, page.bit_depth)


def _in_bands(pixels: npt.NDArray[Any], convert: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """What a conversion pixel by pixel makes of (H, W, C), without a whole picture in floats on the way."""
    rows = max(1, _BAND // pixels.shape[1])
    return np.concatenate([convert(pixels[top : top + rows]) for top in range(0, len(pixels), rows)])


def _flatten(rgba: U8) -> U8:
    """Put a picture with transparency on a ground that belongs to it.

    Where most of the picture is opaque, holes get its median; where little is, the opaque part is the object and the
    ground is the far end of the grey scale.
    """
    few = rgba[:: (step := reduced(rgba[..., 3])[1]), ::step]
    alpha = few[..., 3]
    opaque = few[alpha > 127][:, :3]
    if rgba[..., 3].min() == 255 or opaque.size == 0:
        return rgba[..., :3]
    middle = float(np.median(opaque))
    ground = np.float32(middle if alpha.mean() > 127.5 else (255.0 if middle < 128 else 0.0))
    return _in_bands(rgba, lambda band: _over(band, ground))


def _over(rgba: U8, ground: np.float32) -> U8:
    colour, alpha = rgba[..., :3].astype(np.float32), rgba[..., 3:].astype(np.float32) / 255
    return np.asarray(np.rint(colour * alpha + ground * (1 - alpha)), dtype=np.uint8)


def _too_large(name: str, got: str, max_pixels: int) -> InputRefusedError:
    return InputRefusedError(
        f"{name}: {got}",
        expected=f"at most {max_pixels / 1e6:g} megapixels",
        remedy="cut the picture to one metaphase or scale it down",
    )


def _odd_tiff(name: str, error: TiffError) -> InputRefusedError:
    return InputRefusedError(
        f"{name} is a TIFF that is not read ({error})",
        expected=f"{ACCEPTED}; at most {MOST_PAGES} pages",
        remedy="save the picture again as a plain TIFF without compression, or as PNG",
    )


def _unreadable(name: str, why: str = "") -> InputRefusedError:
    return InputRefusedError(
        f"{name} cannot be read as an image{why}",
        expected="a whole PNG, JPEG, BMP or TIFF file",
        remedy="export the picture again from the microscope software",
    )
