"""The trial of a model that names chromosomes instead of finding them: it gets the golden set's chromosomes cut.

They are drawn, so nobody may ask for their names; but a name must not depend on how the picture lies.
"""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chromseg.registry.gates.golden import GoldenPicture, golden_set
from chromseg.registry.gates.measured import Measured, measured_of

if TYPE_CHECKING:
    from chromseg.inference.karyotyping import Karyotyper

FAMILY = "karyotype"


def names(folder: Path) -> bool:
    """Whether a model folder is of the family that names chromosomes.

    Raises:
        ModelError: It has no usable card.
    """
    from chromseg.models.package import read_card  # torch

    return read_card(folder).architecture.architecture == FAMILY


def name_golden_set(folder: Path) -> Measured:
    """Name the golden set's chromosomes, as they lie and turned by half.

    Raises:
        ModelError: The folder holds no usable model.
    """
    from chromseg.inference.karyotyping import karyotyper_from_folder

    karyotyper, hits, seconds = karyotyper_from_folder(folder), {}, []
    for picture in golden_set():
        start = time.perf_counter()
        as_it_lies, turned = (_names(karyotyper, picture, step) for step in (1, -1))
        seconds.append((time.perf_counter() - start) / 2)
        alike = sum(own == other for own, other in zip(as_it_lies, turned, strict=True))
        hits[picture.name] = alike, len(picture.masks)
    return measured_of(hits, seconds[0])


def _names(karyotyper: Karyotyper, picture: GoldenPicture, step: int) -> list[str]:
    """The class of each chromosome of a picture, read from the other corner where `step` is -1."""
    import numpy as np
    from PIL import Image

    from chromseg.images.absorbance import to_absorbance
    from chromseg.images.appearance import estimate_polarity
    from chromseg.karyogram.cell import cell_of

    grey = np.asarray(Image.open(io.BytesIO(picture.content)).convert("L"))
    absorbance = to_absorbance(grey, estimate_polarity(grey))
    cell = cell_of(absorbance[::step, ::step], picture.masks[:, ::step, ::step])
    return [each.name for each in karyotyper.placed(cell).chromosomes]
