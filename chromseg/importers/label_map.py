"""Label maps of two chromosomes: 0 background, 1 and 2 the chromosomes, 3 where they overlap.

So are the sets of Hu and Pommier (one HDF5 array N×H×W×2: grey, label) and the Mendeley set of overlapping and touching
G-banded chromosomes (HDF5, npz, or PNG; painted red, green and blue in its raw form).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from chromseg.annotations.pictures import SUFFIXES, read_grey
from chromseg.errors import DataError, MaskError
from chromseg.importers import folders, label_arrays, source
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, Options

LABEL_FOLDERS = ("label", "labels", "mask", "masks", "groundtruth", "gt")
LABEL_SUFFIXES = ("_label", "_labels", "_mask", "_gt")
_COLOUR = 64  # least difference of channels that makes a painted pixel red, green or blue


def read(src: Path, options: Options) -> ImportedSet:
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
    found = [label_arrays.read_file(path, src, instances_of) for path in files] + [_read_pictures(src)]
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
            remedy="correct the label map; resizing must not blend labels",
        )
    own = [value for value in (1, 2) if value in values]
    if not own:
        raise MaskError("a label map without a chromosome", expected="1 or 2 somewhere", remedy="leave it out")
    if len(own) == 1 and 3 in values:
        own = [1, 2]  # one lies wholly on the other
    return tuple(source.masked("chromosome", (labels == value) | (labels == 3)) for value in own)


def _read_pictures(src: Path) -> ImportedSet:
    pictures = folders.files_below(src, SUFFIXES)
    labels = {_image_key(path, src): path for path in pictures if _is_label(path)}
    images = {_image_key(path, src): path for path in pictures if not _is_label(path)}
    if not labels:
        return ImportedSet((), tuple(_alone(path, src) for path in pictures))
    pairs = [(folders.relative(path, src), (path, labels[key])) for key, path in images.items() if key in labels]
    lone = [path for key, path in [*images.items(), *labels.items()] if (key in images) != (key in labels)]
    found = source.collect(pairs, lambda pair: _read_pair(*pair, src))
    return ImportedSet(found.images, (*(_alone(path, src) for path in lone), *found.problems))


def _is_label(path: Path) -> bool:
    return path.parent.name.lower() in LABEL_FOLDERS or path.stem.lower().endswith(LABEL_SUFFIXES)


def _image_key(path: Path, src: Path) -> str:
    """What an image and its label map share: the path without the folder that says which it is, without suffixes."""
    stem = next((path.stem[: -len(end)] for end in LABEL_SUFFIXES if path.stem.lower().endswith(end)), path.stem)
    *parents, _ = folders.relative(path, src).split("/")
    ignored = (*LABEL_FOLDERS, *folders.IMAGE_FOLDERS)
    return "/".join([*(parent for parent in parents if parent.lower() not in ignored), stem])


def _alone(path: Path, src: Path) -> DataError:
    wanted = "an image" if _is_label(path) else "a label map"
    return DataError(
        f"{folders.relative(path, src)} without {wanted}",
        expected="pairs of one name",
        remedy="add it or move this away",
    )


def _read_pair(path: Path, label_path: Path, src: Path) -> ImportedImage:
    image = folders.open_picture(path, src)
    labels = _read_labels(label_path, folders.relative(label_path, src))
    folders.check_size("a label map", labels.shape[::-1], image.width, image.height)
    return replace(image, instances=instances_of(labels))


def _read_labels(path: Path, name: str) -> npt.NDArray[Any]:
    """Label values (H, W) of a grey, palette or painted picture."""
    read_grey(path, name)  # refuses what is no whole picture
    with Image.open(path) as picture:
        if picture.mode == "P" and np.asarray(picture).max() <= 3:
            return np.asarray(picture)
        values = np.asarray(picture.convert("RGB") if picture.mode in ("P", "RGBA", "CMYK") else picture)
    return values if values.ndim == 2 else _unpainted(values)


def _unpainted(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Red, green, blue to 1, 2, 3; black, white and grey to 0; three equal channels are a grey label map."""
    if (values == values[..., :1]).all():
        return values[..., 0]
    channels = values[..., :3].astype(np.int16)
    coloured = np.ptp(channels, axis=2) >= _COLOUR
    return np.where(coloured, channels.argmax(axis=2) + 1, 0)
