"""A picture with every chromosome outlined, tinted and numbered, for the eye of a technician."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from chromseg.annotations.maps import label_regions
from chromseg.arrays import U8, Bool
from chromseg.boxes import box_of
from chromseg.errors import MaskError
from chromseg.partition.cluster import NEEDS_REVIEW

Colour: TypeAlias = tuple[int, int, int]
Box: TypeAlias = tuple[int, int, int, int]
Masks: TypeAlias = Sequence[Bool] | Bool

# Okabe and Ito's colours without black, with Tol's indigo and wine: they stay apart in all common colour blindness.
# Vermillion is kept for what a person must look at.
PALETTE: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (136, 34, 85),
    (240, 228, 66),
    (51, 34, 136),
)
REVIEW_COLOUR: Colour = (213, 94, 0)

_LONG_SIDE = 1600  # px; small pictures are enlarged towards it, so that numbers fit on chromosomes of 12 px
_MAX_ZOOM = 3
_DARKEST = 0.75  # of full black, so that colours show on dark chromosomes
_TINT, _CROSSING_TINT, _CROSSING_LIGHT = 0.4, 0.9, 0.6  # share of colour, and of white between the stripes
_STRIPE = 4  # px of the drawing
_DASH = 6  # px of the drawing
_NEIGHBOURHOOD = 8  # px of the picture within which colours differ
_NOWHERE = (np.inf, np.inf, -np.inf, -np.inf)  # the box of an empty mask, near none
_FONT_SIZE = 13


def draw_overlay(
    image: npt.NDArray[Any],
    masks: Masks,
    *,
    flags: Sequence[Sequence[str]] | None = None,
    unclaimed: Sequence[Box] = (),
    zoom: int | None = None,
) -> U8:
    """Draw the instances over their picture.

    Each is tinted and outlined in a colour that its neighbours do not have, and numbered from 1 in the given order.
    Where two cross, both colours run in stripes. Those flagged "needs-review" are framed and their number has a "?".
    What no instance has stands in a dashed frame. Equal input gives equal pixels.

    Args:
        image: float32 (H, W) absorbance, drawn dark on white, or uint8 (H, W), drawn as it is.
        masks: bool (N, H, W) or N masks of (H, W). An empty mask is not drawn; N may be 0.
        flags: N collections of flags; None for no flags.
        unclaimed: Boxes (x0, y0, x1, y1), ends excluded, of what may be chromosomes and belongs to no instance.
        zoom: Whole factor by which the drawing is larger than the picture; None brings the longer side near 1600 px,
            at most threefold.

    Returns:
        uint8 (zoom × H, zoom × W, 3), RGB.

    Raises:
        MaskError: A mask of another size, or another number of flags than masks.
    """
    _check(image, masks, flags)
    zoom = zoom or int(np.clip(_LONG_SIDE // max(image.shape), 1, _MAX_ZOOM))
    boxes = [_box_of(mask) for mask in masks]
    canvas = _ground(image, zoom)
    covered = np.zeros(canvas.shape[:2], dtype=bool)
    for mask, box, colour in zip(masks, boxes, _colours(boxes), strict=True):
        if box is not None:
            _paint(canvas, covered, mask, box, colour, zoom)
    return _annotate(canvas, masks, boxes, flags or [()] * len(boxes), unclaimed, zoom)


def _check(image: npt.NDArray[Any], masks: Masks, flags: Sequence[Sequence[str]] | None) -> None:
    odd = [mask.shape for mask in masks if mask.shape != image.shape]
    if image.ndim != 2 or odd:
        raise MaskError(
            f"an image of {image.shape} with masks of {odd[:1] or 'no size'}",
            expected="a grey image (H, W) and masks of its size",
            remedy="bring the masks to the size of the image",
        )
    if flags is not None and len(flags) != len(masks):
        raise MaskError(
            f"{len(flags)} collections of flags for {len(masks)} masks",
            expected="one for each mask",
            remedy="give an empty one to masks without flags",
        )


def _ground(image: npt.NDArray[Any], zoom: int) -> U8:
    grey = image if image.dtype == np.uint8 else np.rint(255 * (1 - _DARKEST * np.clip(image, 0, 1))).astype(np.uint8)
    height, width = grey.shape
    enlarged = Image.fromarray(grey).resize((width * zoom, height * zoom), Image.Resampling.BILINEAR)
    return np.repeat(np.asarray(enlarged)[..., None], 3, axis=2)


def _box_of(mask: Bool) -> Box | None:
    """(row0, col0, row1, col1), ends excluded; None for an empty mask."""
    x0, y0, x1, y1 = box_of(mask)
    return (y0, x0, y1, x1) if y1 else None


def _colours(boxes: Sequence[Box | None]) -> list[Colour]:
    """For each box the first colour, from its own place in the palette on, that no earlier neighbour has."""
    chosen: list[int] = []
    ends = np.array([box or _NOWHERE for box in boxes], dtype=np.float64).reshape(-1, 4)
    for index in range(len(boxes)):
        gaps = np.maximum(ends[index, :2], ends[:index, :2]) - np.minimum(ends[index, 2:], ends[:index, 2:])
        taken = {chosen[other] for other in np.flatnonzero(gaps.max(axis=1, initial=-np.inf) < _NEIGHBOURHOOD)}
        wheel = [(index + step) % len(PALETTE) for step in range(len(PALETTE))]
        chosen.append(next((colour for colour in wheel if colour not in taken), wheel[0]))
    return [PALETTE[colour] for colour in chosen]


def _paint(canvas: U8, covered: Bool, mask: Bool, box: Box, colour: Colour, zoom: int) -> None:
    """Tint and outline one instance, striped where an earlier one lies."""
    row0, col0, row1, col1 = box
    window = np.s_[row0 * zoom : row1 * zoom, col0 * zoom : col1 * zoom]
    shape = _enlarged(mask[row0:row1, col0:col1], zoom)
    below = covered[window]
    stripes = np.add.outer(np.arange(shape.shape[0]), np.arange(shape.shape[1])) // _STRIPE % 2 == 0
    outline = shape & ~ndimage.binary_erosion(np.pad(shape, 1), np.ones((3, 3), bool))[1:-1, 1:-1]
    view = canvas[window]
    _blend(view, shape & below & ~stripes, (255, 255, 255), _CROSSING_LIGHT)
    _blend(view, shape & below & stripes, colour, _CROSSING_TINT)
    _blend(view, shape & ~below, colour, _TINT)
    _blend(view, outline, colour, 1.0)
    below |= shape


def _blend(view: U8, where: Bool, colour: Colour, share: float) -> None:
    pixels = view[where]
    view[where] = np.rint(pixels + np.float32(share) * (np.array(colour, np.float32) - pixels)).astype(np.uint8)


def _enlarged(mask: Bool, zoom: int) -> Bool:
    """A mask (h, w) at (zoom × h, zoom × w) with a smooth outline."""
    height, width = mask.shape[0], mask.shape[1]
    grey = Image.fromarray(np.pad(mask, 1).astype(np.uint8) * 255)
    size = ((width + 2) * zoom, (height + 2) * zoom)
    enlarged = np.asarray(grey.resize(size, Image.Resampling.BILINEAR)) >= 128
    return enlarged[zoom:-zoom, zoom:-zoom]


def _annotate(
    canvas: U8,
    masks: Masks,
    boxes: Sequence[Box | None],
    flags: Sequence[Sequence[str]],
    unclaimed: Sequence[Box],
    zoom: int,
) -> U8:
    """Number every instance and frame those that need review; dashed frames around what no instance has."""
    picture = Image.fromarray(canvas)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_FONT_SIZE)
    depth = _depth(masks, boxes, (canvas.shape[0] // zoom, canvas.shape[1] // zoom))
    for index, (mask, box, own_flags) in enumerate(zip(masks, boxes, flags, strict=True), start=1):
        if box is None:
            continue
        text = str(index)
        if NEEDS_REVIEW in own_flags:
            text += "?"
            row0, col0, row1, col1 = (end * zoom for end in box)
            draw.rectangle(_around(row0, col0, row1, col1), outline=REVIEW_COLOUR, width=2)
        row, col = ((place + 0.5) * zoom for place in _middle(mask, box, depth))
        draw.text((col, row), text, "white", font, anchor="mm", stroke_width=2, stroke_fill="black")
    for x0, y0, x1, y1 in unclaimed:
        left, top, right, bottom = _around(*(end * zoom for end in (y0, x0, y1, x1)))
        _dash(draw, (max(left, 0), max(top, 0), min(right, canvas.shape[1] - 1), min(bottom, canvas.shape[0] - 1)))
    return np.asarray(picture)


def _around(row0: int, col0: int, row1: int, col1: int) -> Box:
    """The corners (x0, y0, x1, y1) of the frame around a box."""
    return col0 - 3, row0 - 3, col1 + 2, row1 + 2


def _dash(draw: ImageDraw.ImageDraw, frame: Box) -> None:
    """Draw a dashed frame."""
    x0, y0, x1, y1 = frame
    for x in range(x0, x1, 2 * _DASH):
        for y in (y0, y1):
            draw.line((x, y, min(x + _DASH, x1), y), REVIEW_COLOUR, 2)
    for y in range(y0, y1, 2 * _DASH):
        for x in (x0, x1):
            draw.line((x, y, x, min(y + _DASH, y1)), REVIEW_COLOUR, 2)


def _depth(masks: Masks, boxes: Sequence[Box | None], shape: tuple[int, int]) -> U8:
    """How many instances lie at each pixel, uint8 (H, W)."""
    depth = np.zeros(shape, dtype=np.uint8)
    for mask, box in zip(masks, boxes, strict=True):
        if box is not None:
            window = np.s_[box[0] : box[2], box[1] : box[3]]
            depth[window] += mask[window]
    return depth


def _middle(mask: Bool, box: Box, depth: U8) -> tuple[int, int]:
    """The middle pixel (row, col) of the largest piece that an instance shares with none, or of all of it."""
    window = np.s_[box[0] : box[2], box[1] : box[3]]
    labels, count = label_regions(mask[window] & (depth[window] == 1))
    largest = 1 + int(np.bincount(labels.ravel())[1:].argmax()) if count else 0
    places = np.argwhere(labels == largest if count else mask[window])
    row, col = places[np.square(places - places.mean(axis=0)).sum(axis=1).argmin()]
    return int(row) + box[0], int(col) + box[1]
