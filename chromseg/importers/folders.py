"""Finding a source's files: pictures by what an annotation calls them, splits by what folders are called."""

from __future__ import annotations

import json
import os
import unicodedata
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from chromseg.errors import DataError
from chromseg.images.pictures import SUFFIXES, read_grey
from chromseg.importers.source import ImportedImage, ImportedSet

SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")


class MissingPictureError(DataError):
    """An annotation's picture is not there."""


def check_folder(src: Path) -> Path:
    """`src` as an absolute path.

    Raises:
        DataError: It is not a folder.
    """
    if not src.is_dir():
        raise DataError(
            f"{src} is {'a file' if src.exists() else 'not there'}",
            expected="a folder with the source's files",
            remedy="correct the path",
        )
    return src.resolve()


def nothing_found(src: Path, what: str) -> DataError:
    """The error for a source without a single file of its format."""
    return DataError(f"no {what} below {src}", expected="at least one", remedy="correct the path or the format")


def files_below(src: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """All files below `src` with one of the suffixes (any case), hidden ones left out, sorted."""
    found = (path for path in src.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(src).parts))


def relative(path: Path, src: Path) -> str:
    """`path` below `src` with forward slashes, composed (NFC); its name alone when it lies elsewhere."""
    return composed(path.relative_to(src).as_posix() if path.is_relative_to(src) else path.name)


def composed(text: str) -> str:
    """A name as most tools write it: `é` is one letter (NFC), also where macOS stored it as two (NFD)."""
    return unicodedata.normalize("NFC", text)


def stored_name(path: Path, src: Path) -> str:
    """Where a source's picture goes below images/: its own place without folders that merely say `images`."""
    *folders, name = PurePosixPath(relative(path, src)).parts
    return "/".join([folder for folder in folders if folder.lower() not in IMAGE_FOLDERS] + [name])


def split_of(path: Path, src: Path) -> str | None:
    """The split that a folder between `src` and the file names, or None."""
    folders = PurePosixPath(relative(path, src)).parts[:-1]
    return next((SPLIT_FOLDERS[folder.lower()] for folder in folders if folder.lower() in SPLIT_FOLDERS), None)


def open_picture(path: Path, src: Path) -> ImportedImage:
    """A picture without annotations yet, decoded once to be sure that it is whole."""
    height, width = read_grey(path, relative(path, src)).shape
    return ImportedImage(stored_name(path, src), path, width, height, split=split_of(path, src))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds named fields.

    Raises:
        DataError: It is empty, broken, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        reason = "an empty file" if not path.stat().st_size else f"broken JSON ({error})"
        raise DataError(reason, expected="a whole JSON file", remedy="save it anew or leave it out") from error
    if not isinstance(content, dict):
        raise DataError("JSON without named fields", expected="an annotation file", remedy="correct the file")
    return content


def check_size(kind: str, size: tuple[object, object], width: int, height: int) -> None:
    """Raise DataError if the size (width, height) of an annotation is not the picture's."""
    if size != (width, height):
        raise DataError(
            f"{kind} of {size[0]}×{size[1]} for an image of {width}×{height} pixels",
            expected="the same width and height",
            remedy="annotate this very image, or bring both to one size",
        )


class PictureIndex:
    """The pictures below a source, found by file name or stem."""

    def __init__(self, src: Path) -> None:
        self.src = src
        self.paths = files_below(src, SUFFIXES)
        self._known = {composed(str(path)): path for path in self.paths}
        self._by_stem: dict[str, list[Path]] = {}
        for path in self.paths:
            self._by_stem.setdefault(composed(path.stem), []).append(path)

    def find(self, wanted: str, beside: Path) -> Path:
        """The picture that an annotation file means.

        Args:
            wanted: File name or path as the annotation says it, perhaps from another machine.
            beside: The annotation file; a path is first taken relative to it.

        Raises:
            MissingPictureError: There is none.
            DataError: Several fit.
        """
        name = PurePosixPath(composed(wanted.replace("\\", "/")))
        direct = self._known.get(composed(os.path.normpath(beside.parent / name)))
        if direct is not None:
            return direct
        same_stem = self._by_stem.get(name.stem, [])
        fitting = [path for path in same_stem if composed(path.name) == name.name] or same_stem
        split = split_of(beside, self.src)
        if len(fitting) > 1 and split:
            fitting = [path for path in fitting if split_of(path, self.src) == split]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(relative(path, self.src) for path in fitting)
            raise DataError(
                f"{len(fitting)} images called {name.stem} ({names})",
                expected="one",
                remedy="rename or remove the others",
            )
        raise MissingPictureError(
            f"no image {name.name}",
            expected=f"it somewhere below {self.src.name}",
            remedy="put it back or remove its annotation",
        )


def with_unannotated(found: ImportedSet, pictures: PictureIndex) -> ImportedSet:
    """Add a problem for every picture that no annotation names, so that none is dropped in silence.

    A picture named like an annotation file that could not be read is left to that file's own problem.
    """
    used = {image.pixels for image in found.images if isinstance(image.pixels, Path)}
    failed = {PurePosixPath(name).stem for name in found.failed}
    left = [path for path in pictures.paths if path not in used and composed(path.stem) not in failed]
    problems = tuple(
        DataError(
            f"{relative(path, pictures.src)}: no annotation",
            expected="one for every image",
            remedy="annotate it or move it away",
        )
        for path in left
    )
    return replace(found, problems=found.problems + problems)
