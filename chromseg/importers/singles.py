"""Singles: cut-out chromosomes, one a file, on a plain ground; the mask is what stands out from it.

The folder a file lies in says what it shows: `chromosome` (or nothing) is one chromosome, `cluster` several that
nobody has parted, kept as a COCO crowd.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.morphology import closing, disk, remove_small_holes

from chromseg.annotations.maps import label_regions
from chromseg.arrays import Bool
from chromseg.errors import DataError
from chromseg.images.absorbance import Polarity
from chromseg.images.pictures import SUFFIXES
from chromseg.importers import folders, source
from chromseg.importers.polarity import common_polarity
from chromseg.importers.source import ImportedImage, ImportedSet, ImportOptions

_CONTRAST = 0.06  # of the range between ground and the strongest point: where a chromosome begins
_NOISE = 4.0  # robust standard deviations of the rim: what is no chromosome yet
_GAP = 2  # pale bands up to twice as wide as this do not cut a chromosome, in pixels
_HOLE = 40  # pale spots up to this area lie inside a chromosome, larger ones inside its bow, in pixels


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read every picture below a folder as one object on a plain ground.

    Args:
        src: Folder of pictures, in any arrangement.
        options: `polarity` as declared, else estimated from all pictures.

    Raises:
        DataError: The folder is missing or empty, or the polarity is not clear.
    """
    src = folders.check_folder(src)
    files = folders.files_below(src, SUFFIXES)
    if not files:
        raise folders.nothing_found(src, "picture")
    named = [(folders.relative(path, src), path) for path in files]
    opened = source.collect(named, lambda path: folders.open_picture(path, src))
    if not opened.images:
        return opened
    polarity = options.polarity or common_polarity(image.grey() for image in opened.images)
    found = source.collect(((image.name, image) for image in opened.images), lambda image: _outline(image, polarity))
    return ImportedSet(found.images, opened.problems + found.problems)


def _outline(image: ImportedImage, polarity: Polarity) -> ImportedImage:
    mask = object_on_plain_ground(image.grey(), polarity)
    is_cluster = "cluster" in image.name.lower().split("/")[:-1]
    instance = source.masked("cluster" if is_cluster else "chromosome", mask, iscrowd=int(is_cluster))
    return replace(image, instances=(instance,))


def object_on_plain_ground(grey: npt.NDArray[Any], polarity: Polarity) -> Bool:
    """The largest object of a cut-out on a plain ground.

    Args:
        grey: real (H, W).
        polarity: Which side of the ground the object lies on.

    Returns:
        bool (H, W), one 8-connected region.

    Raises:
        DataError: Nothing stands out from the ground.
    """
    signal = grey.astype(np.float32) * (-1 if polarity == "dark-on-light" else 1)
    rim = np.concatenate([signal[0], signal[-1], signal[:, 0], signal[:, -1]])
    ground = np.median(rim)
    noise = 1.4826 * np.median(np.abs(rim - ground))
    standing_out = signal > ground + max(_CONTRAST * (signal.max() - ground), _NOISE * noise)
    if not standing_out.any():
        raise DataError("a picture of nothing", expected=f"an object, {polarity}", remedy="leave it out")
    labels, _ = label_regions(_closed(standing_out))
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return np.asarray(remove_small_holes(largest, max_size=_HOLE), dtype=bool)


def _closed(region: Bool) -> Bool:
    padded = np.pad(region, _GAP)  # so that the border of the picture does not stop the closing
    return np.asarray(closing(padded, disk(_GAP))[_GAP:-_GAP, _GAP:-_GAP], dtype=bool)
