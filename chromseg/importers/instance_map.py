"""Label images of ids, as napari, cellpose and stardist write them: 0 ground, each chromosome a number of its own.

Ids cannot overlap; a label image of several planes (a TIFF of several pages) can: each plane is a label image of its
own, so chromosomes that cross lie in different planes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from chromseg.arrays import Bool
from chromseg.errors import MaskError
from chromseg.importers import folders, label_pairs, source
from chromseg.importers.label_pairs import LabelPicture
from chromseg.importers.source import ImportedInstance, ImportedSet, ImportOptions

_MOST = 2000  # chromosomes a picture; more colours or numbers than that are no ids
_FULL = 255  # where 8 bits end
_PART = 1 / 3  # of a label's largest piece; a smaller one may have been cut off by a crossing chromosome


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read all pairs of a picture and a label image below a folder.

    Args:
        src: Folder in which `images/7.png` goes with `labels/7.tif` (or `masks/`), or `7.png` with `7_masks.tif`,
            `7_cp_masks.png` and the like. Label images are PNG or TIFF of 8 or 16 bits, palette pictures (their
            indices count), or painted, each chromosome in one colour.
        options: Not used.

    Raises:
        DataError: The folder is missing or holds no pair.
    """
    src = folders.check_folder(src)
    found = label_pairs.read_pairs(
        src, lambda path, label_path: label_pairs.with_instances(path, label_path, src, instances_of)
    )
    if not found.images and not found.problems:
        raise folders.nothing_found(src, "picture with a label image of the same name")
    return found


def instances_of(labels: LabelPicture) -> tuple[ImportedInstance, ...]:
    """One instance for each id of each plane, in ascending order.

    Raises:
        MaskError: There is none, or ids were cut off at 8 bits or blended.
    """
    if labels.bits == 8 and not labels.painted and (labels.planes == _FULL).any():
        raise MaskError(
            "the value 255 in a label image of 8 bits",
            expected="ids up to 254: at 255 they may have been cut off, so that two chromosomes share one; "
            "or 255 marks an overlap",
            remedy="save the ids with 16 bits; a map of classes with 255 where two overlap is format class-map",
        )
    found = [source.masked("chromosome", mask) for plane in labels.planes for mask in _masks(plane)]
    if not found:
        raise MaskError("a label image without a chromosome", expected="ids above 0", remedy="leave it out")
    return tuple(found)


def _masks(plane: label_pairs.Labels) -> list[Bool]:
    """Bool (H, W) of each id of a plane."""
    ids = np.unique(plane)
    if (ids < 0).any() or len(ids) > _MOST:
        raise MaskError(
            "labels below 0" if (ids < 0).any() else f"{len(ids)} labels",
            expected=f"ids above 0, {_MOST} at most",
            remedy="export the labels anew",
        )
    label_pairs.check_unblended(plane)
    _check_one_each(plane)
    ranks = np.searchsorted(ids, plane) + 1
    masks = []
    for rank, box in enumerate(ndimage.find_objects(ranks), start=1):
        if ids[rank - 1]:
            mask = np.zeros(plane.shape, dtype=bool)
            mask[box] = ranks[box] == rank
            masks.append(mask)
    return masks


def _check_one_each(plane: label_pairs.Labels) -> None:
    """Refuse classes, or a mask of all chromosomes, in place of ids: most labels then lie in several large pieces.

    One chromosome may lie in two, where another crosses it in the same plane.
    """
    pieces = label_pairs.pieces_of(plane)
    parted = sum(len(areas) > 1 and areas[1] > _PART * areas[0] for areas in pieces)
    if 2 * parted > len(pieces):
        raise MaskError(
            f"{parted} of {len(pieces)} labels in several pieces of like size",
            expected="a number of its own for each chromosome",
            remedy="label each chromosome; a map of classes 1 to 24 is format class-map",
        )
