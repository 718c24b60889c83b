"""Class maps, as the M-FISH set of ADIR has them: 0 ground, 1 to 22, 23 = X, 24 = Y, 255 where two or more lie.

Chromosomes follow from them, class by class: the class's own pixels and every overlap that touches them, in
8-connected pieces. Like chromosomes that touch come out as one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from scipy import ndimage

from chromseg.annotations.maps import EIGHT_CONNECTED, label_regions
from chromseg.errors import MaskError
from chromseg.importers import folders, label_pairs, source
from chromseg.importers.classes import class_of
from chromseg.importers.label_pairs import LabelPicture, Labels
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, ImportOptions

OVERLAP = 255
_CLASSES = 24
_MFISH = re.compile(r"^([A-Z]\d\d)(\d{2,4}.*)[DK]$")  # slide, field and ISCN; D is the DAPI picture, K its classes
_ONE_CASE = {"A22": "A20", "A23": "A20"}  # three slides of one preparation


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read all pairs of a picture and a class map below a folder.

    Args:
        src: Folder in which `images/7.png` goes with `labels/7.png` (or `masks/`), `7.png` with `7_label.png`, or, as
            in the M-FISH set, `dapi/V1101XYD.tif` with `labels/V1101XYK.tif`, whose first three letters are the case.
        options: `classes` and `ignore` concern the names of classes, 1 to 22, X and Y.

    Raises:
        DataError: The folder is missing or holds no pair.
    """
    src = folders.check_folder(src)

    def read_pair(path: Path, label_path: Path) -> ImportedImage:
        image = label_pairs.with_instances(path, label_path, src, lambda labels: instances_of(labels, options))
        name = _MFISH.match(PurePosixPath(image.stem).name)
        return image if name is None else replace(image, case_id=_ONE_CASE.get(name[1], name[1]))

    found = label_pairs.read_pairs(src, read_pair, _without_kind)
    if not found.images and not found.problems:
        raise folders.nothing_found(src, "picture with a class map of the same name")
    return found


def instances_of(labels: LabelPicture, options: ImportOptions) -> tuple[ImportedInstance, ...]:
    """The chromosomes of a class map, by class and then in row-major order of their first pixel.

    Raises:
        MaskError: It has several planes, colours, other values, or no chromosome, or labels were blended.
    """
    if labels.painted or len(labels.planes) > 1:
        raise MaskError(
            "a class map in colours" if labels.painted else f"a class map of {len(labels.planes)} planes",
            expected="one plane of classes 0 to 24, and 255 where chromosomes overlap",
            remedy="export the classes as a grey or palette picture",
        )
    classes = labels.planes[0]
    odd = [f"{value:g}" for value in np.unique(classes) if value > _CLASSES and value != OVERLAP]
    if odd:
        raise MaskError(
            f"class values {', '.join(odd[:5])}",
            expected="0 ground, 1 to 22, 23 = X, 24 = Y, 255 where chromosomes overlap",
            remedy="correct the map; resizing must not blend classes, and ids are format instance-map",
        )
    label_pairs.check_unblended(np.where(classes == OVERLAP, 0, classes))  # an overlap may be of any size
    overlaps, _ = label_regions(classes == OVERLAP)
    found = [one for number in range(1, _CLASSES + 1) for one in _of_class(classes, overlaps, number, options)]
    if not found:
        raise MaskError("a class map without a chromosome", expected="1 to 24 somewhere", remedy="leave it out")
    return tuple(found)


def _of_class(classes: Labels, overlaps: Labels, number: int, options: ImportOptions) -> list[ImportedInstance]:
    own = classes == number
    category = class_of(str(number), options) if own.any() else None
    if category is None:
        return []
    touched = np.unique(overlaps[ndimage.binary_dilation(own, EIGHT_CONNECTED)])
    pieces, _ = label_regions(own | np.isin(overlaps, touched[touched > 0]))
    found = []
    for rank, (rows, cols) in enumerate(ndimage.find_objects(pieces), start=1):
        mask = np.zeros(own.shape, dtype=bool)
        mask[rows, cols] = pieces[rows, cols] == rank
        found.append(source.masked(category, mask))
    return found


def _without_kind(name: str) -> str:
    """Of an M-FISH name, whatever folder it lies in, what picture and class map share; else the name."""
    mfish = _MFISH.match(PurePosixPath(name).name)
    return mfish[1] + mfish[2] if mfish else name
