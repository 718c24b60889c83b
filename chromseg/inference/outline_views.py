"""An outline as the verifier sees it: laid along its longest direction, with what lies around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from chromseg.arrays import F32, F64, U8, Bool
from chromseg.boxes import grown, window_of
from chromseg.models.verifier import PLANES, SIZE

_WIDTH = 9.0  # columns that a chromosome takes in a view: 96 rows are 10 widths, and few chromosomes are longer
_BRIGHTEST = 2.0  # tones from which on a picture is no darker
_FULL = 255


def outline_views(masks: Bool, absorbance: F32, maps: F32, width: float, which: Sequence[int] | None = None) -> U8:
    """How outlines of an explanation look to the verifier.

    Args:
        masks: bool (N, H, W), all outlines of one explanation of a picture, none empty.
        absorbance: float32 (H, W), the picture.
        maps: float32 (2, H, W), the probabilities of chromosome and crossing.
        width: Of chromosomes in these pixels.
        which: Indices of those to be seen; None for all.

    Returns:
        uint8 (N, PLANES, *SIZE), 0–255: picture, both maps, the outline, and the others of the explanation.
    """
    shown = masks if which is None else masks[list(which)]
    views = np.zeros((len(shown), PLANES, *SIZE), dtype=np.uint8)
    if not len(shown):
        return views
    tone = max(float(np.median(absorbance[masks.any(axis=0)])), 1e-3)
    seen = [_as_bytes(plane) for plane in (absorbance / (_BRIGHTEST * tone), *maps)]
    depth = masks.sum(axis=0, dtype=np.uint8)
    reach = int(np.hypot(*SIZE) * width / _WIDTH / 2) + 2
    for view, mask in zip(views, shown, strict=True):
        middle, way = _lie(mask)
        row, col = middle.astype(int)
        rows, cols = grown((slice(row, row + 1), slice(col, col + 1)), reach)
        own = mask[rows, cols]
        near = (*(plane[rows, cols] for plane in seen), _FULL * own, _FULL * (depth[rows, cols] > own))
        for plane, target in zip(near, view, strict=True):
            target[:] = _laid(plane.astype(np.uint8), middle - (rows.start, cols.start), way, width / _WIDTH)
    return views


def new_outlines(masks: Bool, known: set[bytes]) -> tuple[list[int], list[bytes]]:
    """Which masks bool (N, H, W) are not among the known ones, and what each is known by.

    Explanations of a picture agree on most of it, and an outline need not be seen twice.
    """
    names = [_name(mask) for mask in masks]
    return [index for index, name in enumerate(names) if name not in known], names


def _name(mask: Bool) -> bytes:
    window = window_of(mask)
    return repr(window).encode() + mask[window].tobytes()


def _lie(mask: Bool) -> tuple[F64, F64]:
    """The middle of a mask and its longest direction, downwards: rows and columns, float64 (2,) each."""
    window = window_of(mask)
    places = np.argwhere(mask[window]).astype(np.float64)
    middle = places.mean(axis=0)
    _, ways = np.linalg.eigh((places - middle).T @ (places - middle))
    way = ways[:, 1]
    corner = [side.start for side in window]
    return middle + corner, way if way[0] >= 0 else -way


def _laid(plane: U8, middle: F64, way: F64, step: float) -> U8:
    """A plane (h, w) read in steps of so many pixels, its middle in the middle: uint8 `SIZE`, bilinear, 0 outside."""
    down, across = step * way, step * np.array([-way[1], way[0]])
    start = middle + 0.5 - down * SIZE[0] / 2 - across * SIZE[1] / 2
    affine = (across[1], down[1], start[1], across[0], down[0], start[0])
    laid = Image.fromarray(plane).transform(SIZE[::-1], Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    return np.asarray(laid)


def _as_bytes(plane: F32) -> U8:
    return np.asarray(np.rint(_FULL * plane.clip(0, 1)), dtype=np.uint8)
