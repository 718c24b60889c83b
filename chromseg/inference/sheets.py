"""Many small pictures on one page: all chromosomes of a cell, or the cases of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from chromseg.arrays import U8

_WHITE, _BLACK = 255, 0
_GAP = 8  # px
_FONT_SIZE = 13
_LINE = _FONT_SIZE + 5  # px


class GalleryRow(NamedTuple):
    """One case of a gallery: a caption, and its pictures uint8 (h, w) or (h, w, 3), one per column."""

    caption: str
    pictures: Sequence[U8]


def contact_sheet(crops: Sequence[U8], *, width: int = 1000, numbers: Sequence[int] | None = None) -> U8:
    """All chromosomes of a cell, dark on white, largest first, each above its number.

    Args:
        crops: uint8 (h, w), each a chromosome alone, dark on white; they are shown at their own size.
        width: Of the sheet in pixels; a wider crop widens it.
        numbers: Number of each crop; None counts from 1, as the annotations of a result do.

    Returns:
        uint8 (H, width); a blank strip for no crops.
    """
    numbers = numbers or range(1, len(crops) + 1)
    order = sorted(range(len(crops)), key=lambda index: (-_ink(crops[index]), index))
    cell = _GAP + max((crop.shape[1] for crop in crops), default=0)
    columns = max(1, (width - _GAP) // cell)
    lines = [order[start : start + columns] for start in range(0, len(order), columns)]
    heights = [max(crops[index].shape[0] for index in line) + _LINE + _GAP for line in lines]
    sheet = Image.new("L", (max(width, cell + _GAP), _GAP + sum(heights)), _WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_SIZE)
    for line, bottom in zip(lines, np.cumsum(heights).tolist(), strict=True):
        for column, index in enumerate(line):
            crop = Image.fromarray(crops[index])
            middle = _GAP + column * cell + (cell - _GAP) // 2
            sheet.paste(crop, (middle - crop.width // 2, bottom - _LINE - crop.height))
            draw.text((middle, bottom - _LINE // 2), str(numbers[index]), _BLACK, font, anchor="mm")
    return np.asarray(sheet)


def gallery(rows: Sequence[GalleryRow], *, headings: Sequence[str] = (), side: int = 256, note: str = "") -> U8:
    """Cases below one another, each a caption above its pictures in equal square tiles.

    Args:
        rows: The cases, in order; they may have different numbers of pictures.
        headings: Headings of the columns; none for no headings.
        side: Side of a tile in pixels; pictures are scaled to fit, small ones by a whole factor.
        note: A line at the top; it is all there is where there are no rows.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    columns = max([len(headings), *(len(row.pictures) for row in rows), 2])
    top = 2 * _GAP + _LINE * (bool(note) + bool(headings))
    pitch = _LINE + side + _GAP
    page = Image.new("RGB", (_GAP + columns * (side + _GAP), top + len(rows) * pitch + _GAP), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(_FONT_SIZE)
    draw.text((_GAP, _GAP), note, "black", font)
    for column, heading in enumerate(headings):
        draw.text((_GAP + column * (side + _GAP) + side // 2, top - _GAP), heading, "black", font, anchor="ms")
    for index, row in enumerate(rows):
        row_top = top + index * pitch
        draw.text((_GAP, row_top + _LINE // 2), row.caption, "black", font, anchor="lm")
        for column, picture in enumerate(row.pictures):
            corner = (_GAP + column * (side + _GAP), row_top + _LINE)
            page.paste(_tile(picture, side), corner)
            draw.rectangle((*corner, corner[0] + side - 1, corner[1] + side - 1), outline="silver")
    return np.asarray(page)


def _ink(crop: U8) -> int:
    """Pixels of a crop that are not white, hence the size of its chromosome."""
    return int(np.count_nonzero(crop < _WHITE))


def _tile(picture: U8, side: int) -> Image.Image:
    """A picture in the middle of a white square."""
    image = Image.fromarray(picture).convert("RGB")
    factor = side / max(image.size)
    if factor >= 1:
        size = (image.width * int(factor), image.height * int(factor))
        image = image.resize(size, Image.Resampling.NEAREST)
    else:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (side, side), "white")
    tile.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return tile
