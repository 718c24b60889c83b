"""A page for the eye: pictures of an outlined set, what is known in colour and what is ignored hatched."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from chromseg.annotations.dataset import Dataset, ImageRecord, load_ignored, load_image
from chromseg.annotations.maps import EIGHT_CONNECTED
from chromseg.annotations.rasterize import rasterize
from chromseg.arrays import F32, U8, Bool
from chromseg.files import replacing
from chromseg.inference.overlay import PALETTE, REVIEW_COLOUR, Colour
from chromseg.inference.sheets import GalleryRow, gallery

_ALONE, _CUT, _IGNORED = PALETTE[0], PALETTE[2], REVIEW_COLOUR
_NOTE = "blue: lies alone in its box; green: cut by the model as the boxes say; hatched: ignored"
_PICTURES = 4  # from the one with the least that is ignored to the one with the most
_SIDE = 720  # px of a picture on the page
_TINT = 0.3
_STRIPE = 6  # px of the drawing
_DARKEST = 0.75  # of full black, so that colours show on dark chromosomes

T = TypeVar("T", bound=np.generic)


def write_sheet(dataset: Dataset, path: Path) -> Path:
    """Draw some pictures of an outlined set as PNG; returns the path.

    Raises:
        OutputError: The file cannot be written.
    """
    images = sorted(dataset.images, key=lambda image: (_ignored_share(dataset, image), image.id))
    places = np.unique(np.linspace(0, len(images) - 1, _PICTURES).round().astype(int))
    rows = [_row(dataset, images[place]) for place in places]
    page = Image.fromarray(gallery(rows, side=_SIDE, note=_NOTE))
    with replacing(path) as temporary:
        page.save(temporary, format="PNG")
    return path


def draw_outlines(absorbance: F32, alone: list[Bool], cut: list[Bool], ignored: Bool | None, zoom: int = 1) -> U8:
    """Draw outlines over their picture, float32 (H, W): uint8 (zoom · H, zoom · W, 3), RGB."""
    grey = np.rint(255 * (1 - _DARKEST * np.clip(absorbance, 0, 1))).astype(np.uint8)
    canvas: U8 = np.repeat(_enlarged(grey, zoom)[..., None], 3, axis=2)
    for masks, colour in ((alone, _ALONE), (cut, _CUT)):
        for mask in masks:
            _tint(canvas, _enlarged(mask, zoom), colour)
    if ignored is not None:
        _hatch(canvas, _enlarged(ignored, zoom))
    return canvas


def _row(dataset: Dataset, image: ImageRecord) -> GalleryRow:
    each = dataset.instances_of[image.id]
    known = [one for one in each if one.is_outlined]
    cut, alone = (
        [rasterize(one.segmentation, image.height, image.width) for one in known if bool(one.cut_by) == by_model]
        for by_model in (True, False)
    )
    absorbance = load_image(dataset, image)
    zoom = max(1, _SIDE // max(absorbance.shape))
    plain = draw_outlines(absorbance, [], [], None, zoom)
    drawn = draw_outlines(absorbance, alone, cut, load_ignored(dataset, image), zoom)
    caption = f"{image.file_name} ({image.split}): {len(alone)} alone, {len(cut)} cut, {len(each) - len(known)} ignored"
    return GalleryRow(caption, [plain, drawn])


def _ignored_share(dataset: Dataset, image: ImageRecord) -> float:
    each = dataset.instances_of[image.id]
    return sum(not one.is_outlined for one in each) / max(len(each), 1)


def _enlarged(plane: npt.NDArray[T], zoom: int) -> npt.NDArray[T]:
    return plane.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _tint(canvas: U8, mask: Bool, colour: Colour) -> None:
    outline = mask & ~ndimage.binary_erosion(mask, EIGHT_CONNECTED)
    _blend(canvas, mask, colour, _TINT)
    _blend(canvas, outline, colour, 1.0)


def _hatch(canvas: U8, region: Bool) -> None:
    """Stripes from lower left to upper right, and an outline."""
    rows, cols = np.indices(region.shape)
    stripes = (rows + cols) % _STRIPE < _STRIPE // 3
    _blend(canvas, region & stripes, _IGNORED, 1.0)
    _blend(canvas, region & ~ndimage.binary_erosion(region, EIGHT_CONNECTED), _IGNORED, 1.0)


def _blend(canvas: U8, where: Bool, colour: Colour, share: float) -> None:
    pixels = canvas[where]
    canvas[where] = np.rint(pixels + np.float32(share) * (np.array(colour, np.float32) - pixels)).astype(np.uint8)
