"""Paired masks, ChromSeg's own form: `image_<tag>`, `binary_label1_<tag>` (crossing), `binary_label2_<tag>`.

The second map is the chromosome map or, as the paper's Fig. 4 and §II-A have it, the non-overlap regions; §III-A calls
it foreground. Which one it is shows in the pixels: crossings lie inside the one and outside the other.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from chromseg.arrays import Bool
from chromseg.errors import DataError, MaskError
from chromseg.images.pictures import SUFFIXES, read_grey
from chromseg.importers import folders, source
from chromseg.importers.source import ImportedImage, ImportedSet, ImportOptions, Second

_KINDS = ("image_", "binary_label1_", "binary_label2_")
_TOLERANCE = 0.1  # share of the crossing pixels that may lie on the wrong side: hand-drawn borders
_GREY_SHARE = 0.05  # share of a mask's pixels that may be neither black nor white: smoothed borders


def read(src: Path, options: ImportOptions) -> ImportedSet:
    """Read every triple below a folder; the three files of one lie side by side.

    Args:
        src: Folder of triples.
        options: `second` as declared, or None to see it from all pairs together.

    Raises:
        DataError: There is no triple, or the second maps fit neither reading.
    """
    src = folders.check_folder(src)
    triples: dict[str, dict[str, Path]] = {}
    for path in folders.files_below(src, SUFFIXES):
        kind = next((kind for kind in _KINDS if path.name.startswith(kind)), "")
        place = folders.relative(path.with_name(path.stem.removeprefix(kind)), src)
        triples.setdefault(place, {})[kind] = path
    if not any(kind in paths for paths in triples.values() for kind in _KINDS):
        raise folders.nothing_found(src, "image_*, binary_label1_*, binary_label2_*")
    opened = source.collect(triples.items(), lambda paths: _open(paths, src))
    if not opened.images:
        return opened
    second = options.second or _judge(opened.images)
    found = source.collect(((image.name, image) for image in opened.images), lambda image: _settle(image, second))
    return ImportedSet(found.images, opened.problems + found.problems)


def _open(paths: dict[str, Path], src: Path) -> ImportedImage:
    """The image with its two maps as they are in the files."""
    if "" in paths:
        raise DataError("none of the three", expected=", ".join(_KINDS), remedy="move it away")
    missing = [kind + "*" for kind in _KINDS if kind not in paths]
    if missing:
        raise DataError(f"no {' and no '.join(missing)}", expected=", ".join(_KINDS), remedy="complete the triple")
    image = folders.open_picture(paths["image_"], src)
    crossing, second = (_read_mask(paths[kind], src, image) for kind in _KINDS[1:])
    return replace(image, maps=(crossing, second))


def _read_mask(path: Path, src: Path, image: ImportedImage) -> Bool:
    name = folders.relative(path, src)
    grey = read_grey(path, name)
    folders.check_size(f"{name}, a mask", grey.shape[::-1], image.width, image.height)
    full = int(grey.max()) if grey.max() > 0 else 1
    if ((grey > 0.1 * full) & (grey < 0.9 * full)).mean() > _GREY_SHARE:
        raise MaskError(f"{name} with shades of grey", expected="black and white alone", remedy="save it as a mask")
    return np.asarray(grey > full / 2)


def _shared(images: tuple[ImportedImage, ...]) -> tuple[float, float]:
    """Of all crossing pixels, and of all pixels of the second maps, the share on the other map; nan of none."""
    pairs = [image.maps for image in images if image.maps is not None]
    both = sum(int((crossing & second).sum()) for crossing, second in pairs)
    totals = (sum(int(pair[index].sum()) for pair in pairs) for index in (0, 1))
    of_crossing, of_second = (both / total if total else float("nan") for total in totals)
    return of_crossing, of_second


def _judge(images: tuple[ImportedImage, ...]) -> Second:
    """Which reading of the second map all pairs together allow; without crossings both mean the same."""
    shared = _shared(images)
    if _fits(shared, "chromosome"):
        return "chromosome"
    if _fits(shared, "non-overlap"):
        return "non-overlap"
    swapped = ": the two seem swapped" if shared[1] > 1 - _TOLERANCE else ""
    raise MaskError(
        f"second masks that hold {shared[0]:.0%} of the crossing pixels{swapped}",
        expected="nearly all (a chromosome map) or nearly none (non-overlap regions)",
        remedy="check that binary_label1_* are the crossings and binary_label2_* belong to the same images",
    )


def _fits(shared: tuple[float, float], second: Second) -> bool:
    of_crossing, of_second = shared
    if second == "chromosome":
        return not of_crossing < 1 - _TOLERANCE
    return not (of_crossing > _TOLERANCE or of_second > _TOLERANCE)  # swapped maps: the second lies on the first


def _settle(image: ImportedImage, second: Second) -> ImportedImage:
    """The image with the two maps of the data contract: crossing, and chromosome, which holds it."""
    shared = _shared((image,))
    if not _fits(shared, second):
        raise MaskError(
            f"a second mask that holds {shared[0]:.0%} of the crossing pixels",
            expected="nearly all, for --second chromosome"
            if second == "chromosome"
            else "nearly none, for --second non-overlap",
            remedy="correct the mask, or say what it is with --second",
        )
    assert image.maps is not None
    crossing, other = image.maps
    if not (crossing | other).any():
        raise MaskError(
            "two empty masks", expected="at least one chromosome", remedy="annotate the image or leave it out"
        )
    if not other.any():
        raise MaskError("an empty second mask", expected="chromosomes on it", remedy="export it anew")
    return replace(image, maps=(crossing, crossing | other))
