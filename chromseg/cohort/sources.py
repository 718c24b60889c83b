"""Which pictures a cohort has: files, folders, patterns and tar archives, on a disk or in a store."""

from __future__ import annotations

import fnmatch
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from chromseg.cohort import storage
from chromseg.cohort.storage import Entry
from chromseg.errors import DataError
from chromseg.images.pictures import SUFFIXES
from chromseg.inference.portable import portable

_TAR = ".tar"
_PATTERN = "*?["


@dataclass(frozen=True)
class PictureFile:
    """One picture file: where its bytes are, and where its result belongs.

    Attributes:
        uri: Path or address of the file, or of the archive that holds it.
        key: Path of its result below the destination, in names that every system can hold.
        member: Its name in the archive; empty where there is none.
        offset: Of its first byte in `uri`.
        size: In bytes; None for all of `uri`.
    """

    uri: str
    key: str
    member: str = ""
    offset: int = 0
    size: int | None = None

    @property
    def name(self) -> str:
        """What messages and tables call it."""
        return f"{self.uri}/{self.member}" if self.member else self.uri

    @property
    def is_archive(self) -> bool:
        """Whether it is a tar archive of pictures, not yet opened."""
        return not self.member and self.uri.lower().endswith(_TAR)

    def read(self) -> bytes:
        """Its bytes; raises as `storage.read`."""
        return storage.read(self.uri, self.offset, self.size)


def find_pictures(sources: Iterable[str], out: str) -> list[PictureFile]:
    """The pictures of all sources, archives among them unopened; what lies in `out` is no picture.

    Args:
        sources: Files, folders, or patterns such as `s3://bucket/day-*/*.tif`.
        out: The destination.

    Raises:
        DataError: A source is not there or holds no picture, or two pictures would share one result.
    """
    return without_collisions(each for source in sources for each in _of_source(source, out))


def members(archive: PictureFile) -> list[PictureFile]:
    """The pictures in a tar archive; only its headers are read.

    Raises:
        DataError: It is no tar archive that can be read, or two pictures would share one result.
    """
    try:
        with storage.open_file(archive.uri) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            found = [each for each in tar if each.isfile() and _is_picture(each.name)]
    except (tarfile.TarError, OSError) as error:
        raise DataError(
            f"{archive.uri} is no tar archive that can be read ({error})",
            expected="an archive that is not compressed",
            remedy="pack the pictures with `tar cf`",
        ) from error
    return without_collisions(
        PictureFile(archive.uri, f"{archive.key}/{_key(each.name)}", each.name, each.offset_data, each.size)
        for each in found
    )


def without_collisions(pictures: Iterable[PictureFile]) -> list[PictureFile]:
    """The pictures, each once.

    Raises:
        DataError: Two would share one result.
    """
    found: dict[str, PictureFile] = {}
    for picture in pictures:
        other = found.setdefault(picture.key, picture)
        if other != picture:
            raise DataError(
                f"{other.name} and {picture.name} would both be {picture.key}",
                expected="pictures whose names differ before the suffix",
                remedy="rename one, or run them with two --out",
            )
    return list(found.values())


def _of_source(source: str, out: str) -> Iterator[PictureFile]:
    base, pattern = _split(source)
    if pattern is None and not storage.is_folder(source):
        yield PictureFile(source, _key(PurePosixPath(source).name))
        return
    entries = [each for each in storage.files_below(base) if _wanted(each, pattern) and not _is_below(each.uri, out)]
    if not entries:
        raise DataError(
            f"{source} holds no picture",
            expected=f"files ending in {', '.join(SUFFIXES)} or {_TAR}",
            remedy="check the folder",
        )
    for entry in entries:
        yield PictureFile(entry.uri, _key(entry.relative))


def _split(source: str) -> tuple[str, str | None]:
    """The folder in front of a pattern, and the pattern; None where there is no pattern."""
    if not any(sign in source for sign in _PATTERN):
        return source, None
    parts = source.split("/")
    first = next(index for index, part in enumerate(parts) if any(sign in part for sign in _PATTERN))
    return "/".join(parts[:first]) or ("/" if source.startswith("/") else "."), "/".join(parts[first:])


def _wanted(entry: Entry, pattern: str | None) -> bool:
    fits = pattern is None or fnmatch.fnmatchcase(entry.relative, pattern)
    return fits and (_is_picture(entry.relative) or entry.relative.lower().endswith(_TAR))


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _is_below(uri: str, out: str) -> bool:
    return uri.startswith(out.rstrip("/") + "/")


def _key(relative: str) -> str:
    """The path of a result: without suffix, without ways upwards, in names for all systems."""
    path = PurePosixPath(*(part for part in PurePosixPath(relative).parts if part not in ("/", "..", ".")))
    return portable(path.with_suffix("")).as_posix()
