"""Microscopes' own files (CZI, ND2, LIF, OME-Zarr), for `predict` where the extra `microscopes` is installed.

Dimensions are read first, and judged by the limits of all other files; then planes of one channel, which is chosen by
name: each position, time and depth is a page. The parsers are large and run in this process: a server, which takes
bytes from anybody, refuses these files (`images/foreign.py`).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chromseg.errors import InputRefusedError, MissingExtraError
from chromseg.extras import named_if_missing
from chromseg.files import sha256
from chromseg.images.foreign import FOREIGN, foreign
from chromseg.images.pictures import MAX_PIXELS, Picture, read_picture
from chromseg.images.tiff import MOST_PAGES

Index: TypeAlias = Mapping[str, int]

_IN_A_PLANE = ("Y", "X", "S")  # rows, columns, samples of a colour
_MAX_BYTES = 400_000_000  # of all planes that are read, and of one piece in which they are kept


@dataclass(frozen=True)
class Stack:
    """One position of a file: planes of equal size, none of which is read yet.

    Attributes:
        sizes: By axis; Y and X are rows and columns, C channels, S samples of a colour; every other axis counts planes.
        channels: Names, as many as there are channels.
        pixel_bytes: Of a plane, all samples together.
        read: A plane (Y, X) or (Y, X, 3), given an index for each axis that is none of a plane.
        piece_bytes: Decoded, of the largest piece in which the file keeps pixels; 0 where pieces are planes.
    """

    sizes: Index
    channels: Sequence[str]
    pixel_bytes: int
    read: Callable[[Index], npt.NDArray[Any]]
    piece_bytes: int = 0

    @property
    def planes(self) -> list[Index]:
        """Indices of the planes of a channel."""
        axes = [axis for axis in self.sizes if axis not in (*_IN_A_PLANE, "C")]
        return [
            dict(zip(axes, index, strict=True)) for index in itertools.product(*(range(self.sizes[a]) for a in axes))
        ]

    @property
    def count(self) -> int:
        """Planes of a channel; counted before they are listed."""
        return int(
            np.prod([size for axis, size in self.sizes.items() if axis not in (*_IN_A_PLANE, "C")], dtype=object)
        )

    @property
    def pixels(self) -> int:
        """Of a plane."""
        return self.sizes["Y"] * self.sizes["X"]


def is_microscopes(path: Path) -> bool:
    """Whether a file, or the folder of an OME-Zarr, is called as one of a microscope is."""
    return path.suffix.lower() in _OPEN


def hash_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal; of a folder that of the names and hashes of what is in it."""
    if not path.is_dir():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{sha256(file)} {file.relative_to(path).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_microscopes(path: Path, channel: str | None) -> Picture:
    """All planes of one channel.

    Args:
        path: File or folder.
        channel: By its name; None where there is but one.

    Raises:
        InputRefusedError: The extra is not installed, the file cannot be read or is too large, or it is not clear which
            channel is meant.
    """
    suffix = path.suffix.lower()
    (known,) = (one for one in FOREIGN if one.suffix == suffix)
    try:
        with named_if_missing(), _OPEN[suffix](path) as stacks:
            _check(path.name, stacks)
            planes = [
                stack.read({**index, "C": _chosen(path.name, stack.channels, channel)})
                for stack in stacks
                for index in stack.planes
            ]
    except MissingExtraError as error:
        refused = foreign(known, path.name)
        remedy = f"{refused.remedy}; or {error.remedy}"
        raise InputRefusedError(refused.got, expected=refused.expected, remedy=remedy) from error
    except InputRefusedError:
        raise
    except Exception as error:  # four parsers, and what damaged files make of them
        raise InputRefusedError(
            f"{path.name} cannot be read as {known.name} ({type(error).__name__})",
            expected="a whole file of the microscope's software",
            remedy=known.export,
        ) from error
    return Picture(tuple(read_picture(plane, name=path.name).pages[0] for plane in planes), hash_of(path))


def _check(name: str, stacks: Sequence[Stack]) -> None:
    """Refuse what is too large, before a pixel is read."""
    count = sum(stack.count for stack in stacks)
    pixels = sum(stack.count * stack.pixels for stack in stacks)
    size = sum(stack.count * stack.pixels * stack.pixel_bytes for stack in stacks)
    piece = max((stack.piece_bytes for stack in stacks), default=0)
    if not 0 < count <= MOST_PAGES or not 0 < pixels <= MAX_PIXELS or max(size, piece) > _MAX_BYTES:
        raise InputRefusedError(
            f"{name}: {count} planes of together {pixels / 1e6:.1f} megapixels, {max(size, piece) / 1e6:.0f} MB",
            expected=f"1 to {MOST_PAGES} planes, {MAX_PIXELS / 1e6:g} megapixels and {_MAX_BYTES / 1e6:g} MB at most",
            remedy="export the metaphase alone, as TIFF",
        )


def _chosen(name: str, channels: Sequence[str], wanted: str | None) -> int:
    """Which channel is meant, by its name, whose capitals make no difference, or by its number from 1."""
    names = [one.casefold() for one in channels]
    if wanted is None and len(names) == 1:
        return 0
    if wanted is not None and names.count(wanted.casefold()) == 1:
        return names.index(wanted.casefold())
    if wanted is not None and wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    listed = ", ".join(channels)
    raise InputRefusedError(
        f"{name} has {len(names)} channels" if wanted is None else f"{name} without one channel {wanted!r}",
        expected=f"one of {listed}, or its number from 1",
        remedy="say which channel to take (--channel)",
    )


@contextmanager
def _czi(path: Path) -> Iterator[list[Stack]]:
    """Zeiss, read by Zeiss' own library."""
    from pylibCZIrw import czi

    with czi.open_czi(str(path)) as file:
        box, kinds = file.total_bounding_box, file.pixel_types
        kind = max(kinds.values(), key=_CZI_BYTES.__getitem__)
        named = file.metadata["ImageDocument"]["Metadata"]["Information"]["Image"]["Dimensions"]["Channels"]["Channel"]
        names = [one.get("@Name", str(number)) for number, one in enumerate(_several(named), 1)]
        whole = (*box["X"], *box["Y"])
        scenes = file.scenes_bounding_rectangle or {None: None}

        def stack(scene: int | None, place: Any) -> Stack:
            def read(index: Index) -> npt.NDArray[Any]:
                plane = np.asarray(file.read(plane=dict(index), scene=scene))
                return plane[..., 0] if plane.shape[2] == 1 else np.ascontiguousarray(plane[..., ::-1])  # BGR

            width, height = (place.w, place.h) if place else (whole[1] - whole[0], whole[3] - whole[2])
            others = {axis: end - start for axis, (start, end) in box.items() if axis not in "XYS"}
            return Stack({**others, "Y": height, "X": width}, names, _CZI_BYTES[kind], read)

        yield [stack(scene, place) for scene, place in scenes.items()]


_CZI_BYTES = {"Gray8": 1, "Gray16": 2, "Gray32Float": 4, "Bgr24": 3, "Bgr48": 6, "Bgr96Float": 12}


@contextmanager
def _nd2(path: Path) -> Iterator[list[Stack]]:
    """Nikon."""
    import nd2

    with nd2.ND2File(path) as file:
        names = [str(one.channel.name) for one in file.metadata.channels or ()]
        sizes = dict(file.sizes)
        outer = [axis for axis in sizes if axis not in (*_IN_A_PLANE, "C")]

        def read(index: Index) -> npt.NDArray[Any]:
            number = np.ravel_multi_index([index[axis] for axis in outer], [sizes[axis] for axis in outer])
            frame = file.read_frame(int(number) if outer else 0)  # (C, Y, X, S), without axes of one
            return np.asarray(frame[index["C"]] if sizes.get("C", 1) > 1 else frame)

        yield [Stack(sizes, names or ["1"], file.dtype.itemsize * sizes.get("S", 1), read)]


@contextmanager
def _lif(path: Path) -> Iterator[list[Stack]]:
    """Leica."""
    import liffile

    with liffile.LifFile(path) as file:
        yield [_lif_stack(image) for image in file.images]


def _lif_stack(image: Any) -> Stack:
    described = image.xml_element.findall("./Data/Image/ImageDescription/Channels/ChannelDescription")
    sizes = dict(image.sizes)
    names = [one.attrib["LUTName"] for one in described][:: sizes.get("S", 1)]
    outer = [axis for axis in sizes if axis not in _IN_A_PLANE]

    def read(index: Index) -> npt.NDArray[Any]:
        return np.asarray(image.frame(**{axis: index[axis] for axis in outer}))

    return Stack(sizes, names, image.dtype.itemsize * sizes.get("S", 1), read)


@contextmanager
def _ome_zarr(path: Path) -> Iterator[list[Stack]]:
    """An image of the Open Microscopy Environment, in its full resolution."""
    import zarr

    group = zarr.open_group(path, mode="r")
    told: Any = group.attrs.get("ome", group.attrs)
    pyramid = told["multiscales"][0]
    array: Any = group[pyramid["datasets"][0]["path"]]
    axes = [axis["name"].upper() if isinstance(axis, Mapping) else axis.upper() for axis in pyramid["axes"]]
    sizes = dict(zip(axes, array.shape, strict=True))
    listed = told.get("omero", {}).get("channels", ())
    names = [str(one.get("label", number)) for number, one in enumerate(listed, 1)]
    names = names or [str(number) for number in range(1, sizes.get("C", 1) + 1)]

    def read(index: Index) -> npt.NDArray[Any]:
        return np.asarray(array[tuple(slice(None) if axis in "YX" else index[axis] for axis in axes)])

    piece = int(np.prod(array.shards or array.chunks, dtype=object)) * array.dtype.itemsize
    yield [Stack(sizes, names, array.dtype.itemsize, read, piece)]


def _several(value: Any) -> list[Any]:
    """Elements of XML, of which one alone is no list."""
    return value if isinstance(value, list) else [value]


_OPEN: dict[str, Callable[[Path], AbstractContextManager[list[Stack]]]] = {
    ".czi": _czi,
    ".nd2": _nd2,
    ".lif": _lif,
    ".zarr": _ome_zarr,
}
