"""The tone of a picture: how dark its chromosomes are, brought to one value for all pictures.

Full absorbance is where a picture is darkest (`to_absorbance`): in one with a few very dark bands or crossings most of
the chromosomes are then pale, in another they are not. Annotators follow the edge that they see; a network that learned
absolute levels draws pale chromosomes too small and dark ones too large.
"""

from __future__ import annotations

import numpy as np
from skimage.filters import threshold_otsu

from chromseg.arrays import F32
from chromseg.images.blobs import without_blobs

_THICKEST = 20.0  # pixels, half the width of the thickest cluster of chromosomes


def chromosome_tone(image: F32) -> float:
    """Median absorbance of a picture's foreground, nuclei left aside, without a network; 0.0 for an empty picture.

    Args:
        image: float32 (H, W) absorbance.
    """
    if not np.ptp(image):
        return 0.0
    foreground = image > threshold_otsu(image)
    thin = without_blobs(foreground, _THICKEST, image)
    return float(np.median(image[thin if thin.any() else foreground]))


def toned(image: F32, tone: float) -> F32:
    """A picture made darker or paler until its chromosomes have a tone.

    Args:
        image: float32 (H, W) absorbance.
        tone: Their median absorbance afterwards; 0 leaves the picture as it is.

    Returns:
        float32 (H, W) within 0–1.
    """
    own = chromosome_tone(image) if tone else 0.0
    return np.asarray(np.clip(image * np.float32(tone / own), 0, 1)) if own else image
