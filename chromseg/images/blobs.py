"""Nuclei and debris: what is thicker than any chromosome."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from chromseg.arrays import F32, Bool

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
    core = ndimage.distance_transform_edt(np.pad(solid, 1))[1:-1, 1:-1] > half_width
    if not core.any():
        return region
    return np.asarray(region & (ndimage.distance_transform_edt(~core) > half_width + _BLOB_RIM))
