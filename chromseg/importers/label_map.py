"""Label maps of two chromosomes: 0 background, 1 and 2 the chromosomes, 3 where they overlap.

So are the sets of Hu and Pommier (one HDF5 array N×H×W×2: grey, label) and the Mendeley set of overlapping and touching
G-banded chromosomes (HDF5, npz, or PNG; painted red, green and blue in its raw form).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chromseg.errors import MaskError
from chromseg.importers import folders, label_arrays, label_pairs, source
from chromseg.importers.label_pairs import LabelPicture, Labels
from chromseg.importers.source import ImportedInstance, ImportedSet, ImportOptions

_COLOUR = 64  # least difference of channels that makes a painted pixel red, green or blue


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read label maps from an array file, or from all array files or picture pairs below a folder.

    Args:
        src: An .h5, .hdf5 or .npz file, or a folder. Pictures and label maps pair by name: `images/7.png` with
            `labels/7.png` (or `masks/`), or `7.png` with `7_label.png` (or `_mask`).
        options: Not used.

    Raises:
        DataError: There is no label map, or an array file is not one.
    """
    src = src.resolve()
    if src.is_file():
        return label_arrays.read_file(src, src.parent, instances_of)
    src = folders.check_folder(src)
    files = folders.files_below(src, label_arrays.SUFFIXES)
    found = [label_arrays.read_file(path, src, instances_of) for path in files]
    found.append(
        label_pairs.read_pairs(src, lambda path, labels: label_pairs.with_instances(path, labels, src, _of_picture))
    )
    images = tuple(image for part in found for image in part.images)
    problems = tuple(problem for part in found for problem in part.problems)
    if not images and not problems:
        raise folders.nothing_found(src, "array file (.h5, .npz) or picture with a label map of the same name")
    return ImportedSet(images, problems)


def instances_of(labels: npt.NDArray[Any]) -> tuple[ImportedInstance, ...]:
    """The chromosomes of a label map (H, W): 1 with 3, and 2 with 3.

    Raises:
        MaskError: It holds other values, or no chromosome.
    """
    values = np.unique(labels)
    unknown = [f"{value:g}" for value in values if value not in (0, 1, 2, 3)]
    if unknown:
        raise MaskError(
            f"label values {', '.join(unknown[:5])}",
            expected="0 background, 1 and 2 chromosomes, 3 overlap",
            remedy="correct the label map; resizing must not blend labels, and ids are format instance-map",
        )
    own = [value for value in (1, 2) if value in values]
    if not own:
        raise MaskError("a label map without a chromosome", expected="1 or 2 somewhere", remedy="leave it out")
    if len(own) == 1 and 3 in values:
        own = [1, 2]  # one lies wholly on the other
    return tuple(source.masked("chromosome", (labels == value) | (labels == 3)) for value in own)


def _of_picture(labels: LabelPicture) -> tuple[ImportedInstance, ...]:
    if len(labels.planes) > 1:
        raise MaskError(f"a label map of {len(labels.planes)} pages", expected="one", remedy="save one page alone")
    plane = labels.planes[0]
    return instances_of(_unpainted(plane) if labels.painted else plane)


def _unpainted(colours: Labels) -> Labels:
    """Red, green, blue to 1, 2, 3; black, white and grey to 0."""
    channels = np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=-1)
    coloured = np.ptp(channels, axis=2) >= _COLOUR
    return np.where(coloured, channels.argmax(axis=2) + 1, 0)
