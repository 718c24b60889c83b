"""TIFF: what is asked of a file before a reader walks through it, and the reader for those that Pillow cannot read.

A TIFF is a chain of directories, one a page, whose tags say where the pieces (strips, tiles) of its pixels lie. A few
bytes can make that chain endless, or name millions of pieces, and readers believe them.
"""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chromseg.images.deep import zero_is_black

MOST_PAGES = 1000
_MOST_TAGS = 100_000  # of all pages together; a page has some twenty
_MOST_PIECES = 250_000  # of all pages together; 16 megapixels in the smallest tiles that TIFF allows are 62,500
_OFFSETS = (273, 324)  # StripOffsets, TileOffsets
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # bytes of a value, by type
# Those whose decoder knows how many bytes to make; others make as many as the stream asks for.
_COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32946: "deflate", 32773: "PackBits", 34925: "LZMA", 50000: "ZSTD"}
ACCEPTED = "whole numbers or floats, grey or RGB, compressed by " + ", ".join(dict.fromkeys(_COMPRESSIONS.values()))
for _reader in ("tifffile", "PIL.TiffImagePlugin"):
    logging.getLogger(_reader).setLevel(logging.CRITICAL)  # our errors say what is wrong with a file


class TiffError(Exception):
    """Why a TIFF is not read."""


@dataclass(frozen=True)
class _Layout:
    """How a kind of TIFF writes its directories: number of tags, a tag, and the way on."""

    count: struct.Struct
    tag: struct.Struct  # number, type, how many values, offset
    way: struct.Struct
    first: int  # where the way to the first directory stands


def _layout(content: bytes) -> _Layout:
    order, big = "<" if content[:2] == b"II" else ">", b"+" in content[2:4]
    count, tag, way = (struct.Struct(order + form) for form in (("Q", "HHQQ", "Q") if big else ("H", "HHII", "I")))
    return _Layout(count, tag, way, first=8 if big else 4)


def is_tiff(content: bytes) -> bool:
    """Whether a file begins as one."""
    return content[:2] in (b"II", b"MM")


def check_directories(content: bytes) -> None:
    """Follow the chain of directories without reading a pixel.

    Raises:
        TiffError: Its pages go round in a circle, or there is more of something than any picture has.
    """
    layout, tags, pieces, taken = _layout(content), 0, 0, 0
    for page, (start, number) in enumerate(_directories(content, layout), start=1):
        tags += number
        if page > MOST_PAGES:
            raise TiffError(f"more than {MOST_PAGES} pages")
        if tags > _MOST_TAGS:
            raise TiffError(f"more than {_MOST_TAGS} tags")
        for tag, kind, values, offset in layout.tag.iter_unpack(content[start : start + number * layout.tag.size]):
            size = values * _SIZES[kind] if kind < len(_SIZES) else 0
            if size <= layout.way.size or offset + size <= len(content):  # else it points outside, and cannot be read
                taken += size
                pieces += values if tag in _OFFSETS else 0
        if pieces > _MOST_PIECES:
            raise TiffError(f"pixels in more than {_MOST_PIECES} pieces")
        if taken > 4 * len(content):
            raise TiffError("tags of more bytes than the file has")


def _directories(content: bytes, layout: _Layout) -> Iterator[tuple[int, int]]:
    """Of each directory that is whole: where its tags begin, and how many there are."""
    seen: set[int] = set()
    place = layout.first
    while place + layout.way.size <= len(content):
        (at,) = layout.way.unpack_from(content, place)
        if at in seen:
            raise TiffError("pages that go round in a circle")
        seen.add(at)
        if not at or at + layout.count.size > len(content):
            return
        (number,) = layout.count.unpack_from(content, at)
        start = at + layout.count.size
        place = start + number * layout.tag.size
        if place > len(content):
            return
        yield start, number


def read_arrays(content: bytes, take: Callable[[tuple[int, int], int], None]) -> list[npt.NDArray[Any]]:
    """The pixels of every page, by tifffile.

    Args:
        content: The file.
        take: Called with width and height of each page, and bytes a pixel, before any is decoded; raises if that is too
            much.

    Returns:
        A page each: (H, W), (H, W, C) or (C, H, W).

    Raises:
        TiffError: A page is compressed in a way that can grow beyond its declared size, or holds no picture.
    """
    import tifffile

    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        pages: list[Any] = list(tiff.pages)
        for page in pages:
            if page.compression not in _COMPRESSIONS:
                name = getattr(page.compression, "name", page.compression)
                raise TiffError(f"compression {name}")
            if page.samplesperpixel > 4 or page.imagedepth > 1:
                raise TiffError(f"pixels of {page.samplesperpixel * page.imagedepth} values")
            if page.dtype is None or np.dtype(page.dtype).kind not in "biuf":
                raise TiffError(f"pixels of kind {page.dtype}")
            if page.samplesperpixel == 2:
                raise TiffError("two channels in one page: save the one that shows the chromosomes alone")
            take((page.imagewidth, page.imagelength), page.samplesperpixel * np.dtype(page.dtype).itemsize)
        return [_pixels(page) for page in pages]


def _pixels(page: Any) -> npt.NDArray[Any]:
    pixels: npt.NDArray[Any] = np.squeeze(page.asarray())
    if page.photometric != 0:  # MINISWHITE
        return pixels
    try:
        return zero_is_black(pixels)
    except ValueError as error:
        raise TiffError(str(error)) from error
