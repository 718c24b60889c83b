"""Nuclei and debris: what is thicker than any chromosome."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from chromseg.arrays import F32, Bool
from chromseg.boxes import grown, window_of

_BLOB_RIM = 4  # pixels around the round core of a blob that are its ragged edge


def without_blobs(region: Bool, half_width: float, image: F32 | None = None) -> Bool:
    """Take out of a chromosome map what is thicker than any chromosome; thin things attached to it stay.

    A network may see only the rim of a nucleus. With the image, whatever is at least half as dark as the chromosomes
    counts towards the thickness, so such a rim goes with its nucleus, and a ring of chromosomes around ground stays.

    Args:
        region: bool (H, W).
        half_width: In pixels; 0 takes nothing out.
        image: float32 (H, W) absorbance, or None.
    """
    if not half_width or not region.any():
        return region
    solid = region if image is None else region | (image > np.median(image[region]) / 2)
    core = _core(solid, half_width)
    if core is None:
        return region
    reach = half_width + _BLOB_RIM
    around = grown(window_of(core), int(reach) + 1)
    left = region.copy()
    left[around] &= ndimage.distance_transform_edt(~core[around]) > reach
    return left


def _core(solid: Bool, half_width: float) -> Bool | None:
    """Pixels deeper in bool (H, W) than a half width; None if there are none.

    Depths are measured only around squares that lie whole within the mask: a pixel so deep has one around it.
    """
    side = 2 * int(half_width / math.sqrt(2)) + 1
    filled = np.asarray(ndimage.minimum_filter(solid.view(np.uint8), side, mode="constant") > 0)
    if not filled.any():
        return None
    around = grown(window_of(filled), int(half_width) + 1)
    core = np.zeros_like(solid)
    core[around] = ndimage.distance_transform_edt(np.pad(solid[around], 1))[1:-1, 1:-1] > half_width
    return core if core.any() else None
