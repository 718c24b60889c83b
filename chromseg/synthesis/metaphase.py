"""One synthetic metaphase, from a random number to an image with its truth."""

from __future__ import annotations

import numpy as np

from chromseg.arrays import U8, Bool
from chromseg.images.absorbance import Polarity
from chromseg.synthesis.camera import draw_camera, photograph
from chromseg.synthesis.chromosome import Preparation, draw_preparation
from chromseg.synthesis.karyotype import DIPLOID, draw_karyotype
from chromseg.synthesis.scene import draw_scene


def synthesize_metaphase(
    rng: np.random.Generator,
    *,
    size: tuple[int, int] = (576, 768),
    polarity: Polarity = "dark-on-light",
    chromosomes: int = DIPLOID,
    crossings: float = 1.2,
    touching: float = 1.1,
    preparation: Preparation | None = None,
) -> tuple[U8, Bool]:
    """Draw one metaphase with exact truth.

    Args:
        rng: Source of all choices; the same state gives the same pixels.
        size: Rows and columns. Chromosomes keep their size in pixels unless they would crowd the image.
        polarity: "dark-on-light" gives the look of G-banding, "light-on-dark" that of Q-banding.
        chromosomes: How many of the cell's 46 are in the picture.
        crossings: Mean number of crossing clusters; 1.2 is what the `bioimlab` set has.
        touching: Mean number of clusters that touch without crossing; 1.1 in `bioimlab`.
        preparation: Look shared by the images of a case; None draws one.

    Returns:
        image uint8 (H, W) and masks bool (chromosomes, H, W), overlapping where chromosomes cross.

    Raises:
        DataError: `chromosomes` is not within 1–46, a mean is negative, or the chromosomes do not fit the image.
    """
    cell = draw_karyotype(rng, chromosomes)
    preparation = (preparation or draw_preparation(rng, polarity)).fitted(size, chromosomes)
    scene = draw_scene(rng, cell, preparation, size, crossings=crossings, touching=touching)
    return photograph(rng, scene.absorbance, draw_camera(rng, polarity)), scene.masks
