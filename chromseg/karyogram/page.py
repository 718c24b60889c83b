"""The picture of a karyogram: pairs side by side above their names, in the usual rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.arrays import F32, U8, Bool
from chromseg.files import replacing
from chromseg.karyogram.axis import Axis, length_of
from chromseg.karyogram.classes import GROUPS, ROWS
from chromseg.karyogram.karyogram import NOTE, Karyogram, Placed
from chromseg.karyogram.strip import alone, strip_of

_MEDIAN_ROWS = 110  # px of the page that the median chromosome takes
_GAP, _PAIR, _GROUP = 6, 26, 46  # px between homologues, between classes, between groups
_MARGIN, _LINE, _SMALL = 36, 22, 12  # px
DOTS = 150.0  # an inch, printed
_LEAST_WIDTH = 44  # px of a class, for its name and its line where it is empty
_WHITE, _BLACK, _GREY, _DOUBT = "white", "black", (130, 130, 130), (200, 80, 0)

Grey = U8


def karyogram_page(karyogram: Karyogram, drawn: Sequence[Grey]) -> U8:
    """Draw a karyogram.

    Args:
        karyogram: Of the chromosomes of a picture.
        drawn: Each of them straight, by annotation number, from 1, as of `drawn_straight`.

    Returns:
        uint8 (h, w, 3), RGB: each chromosome straight, dark on white, with the short arm up, above its number; those
        whose place is in doubt have a mark and a frame.
    """
    strips = {each.number: upright(each, drawn[each.number - 1]) for each in karyogram.chromosomes}
    lines = [[(name, karyogram.of(name)) for group in row for name in GROUPS[group]] for row in ROWS]
    widths = [_line_width(line, strips) for line in lines]
    heights = [max([_LINE, *(strips[each.number].shape[0] for _, own in line for each in own)]) for line in lines]
    below = 2 * _LINE + _SMALL
    size = (max([*widths, 760]) + 2 * _MARGIN, 3 * _MARGIN + _LINE + sum(heights) + len(lines) * (below + _LINE))
    page = Image.new("RGB", size, _WHITE)
    draw = ImageDraw.Draw(page)
    _write(draw, (_MARGIN, _MARGIN), _heading(karyogram), 18, _BLACK, "lm")
    floor = 2 * _MARGIN
    for line, height in zip(lines, heights, strict=True):
        floor += height + _LINE
        _draw_line(page, draw, line, strips, floor)
        floor += below
    _write(draw, (_MARGIN, size[1] - _MARGIN // 2), NOTE, 12, _GREY, "lm")
    return np.asarray(page)


def save_page(page: Grey, path: Path) -> None:
    """Save a page as PNG or PDF, by the path's suffix, in one step.

    Raises:
        OutputError: The place cannot be written.
    """
    with replacing(path) as temporary:
        Image.fromarray(page).save(temporary, resolution=DOTS)


def drawn_straight(absorbance: F32, masks: Iterable[Bool]) -> list[Grey]:
    """Each chromosome alone and straight, dark on white, all at one scale, whichever end is up.

    Args:
        absorbance: float32 (H, W), the picture.
        masks: bool (H, W) each.

    Returns:
        uint8 (h, w) each.

    Raises:
        MaskError: A mask is empty.
    """
    found = [alone(absorbance, mask) for mask in masks]
    scale = _MEDIAN_ROWS / max(float(np.median([length_of(axis) for _, _, axis in found] or [1.0])), 1.0)
    return [_drawn(picture, mask, axis, scale) for picture, mask, axis in found]


def upright(placed: Placed, drawn: Grey) -> Grey:
    """A chromosome uint8 (h, w) with its short arm up."""
    return drawn[::-1, ::-1] if placed.upside_down else drawn


def _drawn(absorbance: F32, mask: Bool, axis: Axis, scale: float) -> Grey:
    rows = round(scale * length_of(axis)) + 2 * _GAP
    return _cropped(strip_of(absorbance, mask, axis, (scale, scale), (rows, max(round(scale * _reach(mask, axis)), 8))))


def _on_axis(inside: Bool) -> Bool:
    """The pieces of a strip's mask that lie on its middle column, or all if none does.

    Others are specks, or another part of a bent chromosome, which the rows reach a second time.
    """
    labels, count = ndimage.label(inside, structure=EIGHT_CONNECTED)
    on_axis = np.isin(np.arange(1, count + 1), labels[:, inside.shape[1] // 2])
    return np.asarray(np.concatenate([[False], on_axis])[labels]) if on_axis.any() else inside


def _reach(mask: Bool, axis: Axis) -> float:
    """Picture pixels across that hold a chromosome surely: four times its mean width."""
    return 4 * float(mask.sum()) / max(length_of(axis), 1.0)


def _cropped(strip: F32) -> Grey:
    """A strip float32 (2, h, w) dark on white, without what is empty around it."""
    inside = _on_axis(strip[1] > 0.05)
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return np.full((1, 1), 255, dtype=np.uint8)
    grey = np.rint(255 * (1 - np.clip(strip[0] * inside, 0, 1))).astype(np.uint8)
    return np.asarray(grey[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1])


def _line_width(line: Sequence[tuple[str, list[Placed]]], strips: dict[int, Grey]) -> int:
    return sum((_class_width(own, strips) + _space(name) for name, own in line), start=0)


def _class_width(own: Sequence[Placed], strips: dict[int, Grey]) -> int:
    return max(_LEAST_WIDTH, _inked(own, strips))


def _inked(own: Sequence[Placed], strips: dict[int, Grey]) -> int:
    """Pixels from the first chromosome of a class to the end of the last."""
    return sum(int(strips[each.number].shape[1]) + _GAP for each in own) - _GAP


def _space(name: str) -> int:
    """Pixels after a class."""
    return _GROUP if any(name == group[-1] for group in GROUPS.values()) else _PAIR


def _draw_line(
    page: Image.Image,
    draw: ImageDraw.ImageDraw,
    line: Sequence[tuple[str, list[Placed]]],
    strips: dict[int, Grey],
    floor: int,
) -> None:
    """One row of classes, whose chromosomes stand on `floor`."""
    left = _MARGIN
    for name, own in line:
        width = _class_width(own, strips)
        x = left + (width - _inked(own, strips)) // 2
        for each in own:
            _draw_one(page, draw, each, strips[each.number], (x, floor))
            x += strips[each.number].shape[1] + _GAP
        draw.line((left, floor + _SMALL + 6, left + width, floor + _SMALL + 6), _BLACK)
        _write(draw, (left + width // 2, floor + _SMALL + _LINE), name, 16, _BLACK, "mm")
        left += width + _space(name)


def _draw_one(page: Image.Image, draw: ImageDraw.ImageDraw, each: Placed, strip: Grey, foot: tuple[int, int]) -> None:
    """A chromosome above its number; left and lower end are `foot`."""
    x, floor = foot
    height, width = strip.shape
    page.paste(Image.fromarray(np.ascontiguousarray(strip)), (x, floor - height))
    _write(draw, (x + width // 2, floor + 7), str(each.number), 9, _GREY, "mm")
    if each.unsure:
        draw.rectangle((x - 2, floor - height - 2, x + width + 1, floor + 1), outline=_DOUBT)
        _write(draw, (x + width // 2, floor - height - 9), "?", 13, _DOUBT, "mm")


def _heading(karyogram: Karyogram) -> str:
    doubt = f"; {karyogram.unsure} in doubt, marked ?" if karyogram.unsure else ""
    return f"{karyogram.count}{doubt}"


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    size: int,
    colour: str | tuple[int, int, int],
    anchor: str,
) -> None:
    draw.text(place, text, colour, ImageFont.load_default(size), anchor=anchor)
