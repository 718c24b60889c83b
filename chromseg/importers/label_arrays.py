"""Array files of label maps: HDF5 and npz, images and labels in one array or in two."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from chromseg.errors import DataError
from chromseg.importers import folders, source
from chromseg.importers.source import ImportedImage, ImportedInstance, ImportedSet, Pixels

SUFFIXES = (".h5", ".hdf5", ".npz")
_IMAGE_NAMES = ("image", "images", "img", "imgs", "x", "grey", "gray", "data", "arr_0")
_LABEL_NAMES = ("label", "labels", "mask", "masks", "y", "gt", "target", "targets", "arr_1")
Find: TypeAlias = Callable[[Pixels], tuple[ImportedInstance, ...]]


@dataclass(frozen=True)
class _Stack:
    """Images and their label maps, read one at a time."""

    count: int
    grey: Callable[[int], Pixels]
    labels: Callable[[int], Pixels]


def read_file(path: Path, src: Path, find: Find) -> ImportedSet:
    """Read one array file; its images are called `<file>/00000.png` and so on.

    Args:
        path: One array (N, H, W, 2) of grey and label, or two arrays (N, H, W) or (N, H, W, 1) with telling names.
        src: The source it lies in.
        find: Turns a label map (H, W) into instances.

    Returns:
        Its images; a file that cannot be read at all is one problem.
    """
    name = folders.relative(path, src)
    stem = folders.stored_name(path.with_suffix(""), src)
    try:
        with _opened(path) as arrays:
            stack = _stack(arrays)
            numbered = [(f"{name}[{index}]", index) for index in range(stack.count)]
            return source.collect(numbered, lambda index: _image(f"{stem}/{index:05d}.png", index, stack, find))
    except DataError as error:
        return ImportedSet((), (source.in_place(error, name),))
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        problem = DataError(
            f"{name} cannot be read ({error})", expected="a whole HDF5 or npz file", remedy="fetch or save it again"
        )
        return ImportedSet((), (problem,))


@contextmanager
def _opened(path: Path) -> Iterator[dict[str, Any]]:
    """The file's arrays by lower-case name; HDF5 arrays stay on disk."""
    if path.suffix.lower() == ".npz":
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            yield {key.lower(): archive[key] for key in archive.files}
    else:
        with h5py.File(path) as archive:
            yield {key.lower(): value for key, value in archive.items() if isinstance(value, h5py.Dataset)}


def _stack(arrays: dict[str, Any]) -> _Stack:
    found = list(arrays.values())
    if len(found) == 1 and found[0].ndim == 4 and found[0].shape[3] == 2:
        both = found[0]
        stack = _Stack(len(both), lambda index: both[index, :, :, 0], lambda index: both[index, :, :, 1])
    else:
        images, labels = _named(arrays, _IMAGE_NAMES), _named(arrays, _LABEL_NAMES)
        if images is None or labels is None or images.shape[:3] != labels.shape[:3]:
            raise DataError(
                "arrays " + (", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"),
                expected="one of (N, H, W, 2), or images and labels of one (N, H, W)",
                remedy="save it in one of these forms",
            )
        stack = _Stack(len(images), lambda index: _flat(images[index]), lambda index: _flat(labels[index]))
    if not stack.count:
        raise DataError("no image", expected="at least one", remedy="fetch or save it again")
    return stack


def _named(arrays: dict[str, Any], names: tuple[str, ...]) -> Any | None:
    """The array of one of these names, if it holds one plane an image."""
    for name, array in arrays.items():
        if name in names and (array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 1)):
            return array
    return None


def _flat(plane: Pixels) -> Pixels:
    return plane if plane.ndim == 2 else plane[:, :, 0]


def _image(name: str, index: int, stack: _Stack, find: Find) -> ImportedImage:
    pixels = _as_grey_levels(stack.grey(index))
    return ImportedImage(name, pixels, pixels.shape[1], pixels.shape[0], find(stack.labels(index)))


def _as_grey_levels(plane: Pixels) -> Pixels:
    """The same values as uint8 or uint16, which a PNG can hold."""
    low, high = plane.min(), plane.max()
    whole = np.issubdtype(plane.dtype, np.integer) or bool((plane == np.floor(plane)).all())
    if not whole or low < 0 or high > 65535:
        raise DataError(
            f"grey values from {low:g} to {high:g}{'' if whole else ' with fractions'}",
            expected="whole numbers from 0 to 65535",
            remedy="scale the images to 8 or 16 bits",
        )
    return plane.astype(np.uint8 if high <= 255 else np.uint16)
