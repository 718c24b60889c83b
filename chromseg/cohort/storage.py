"""Where cohorts lie: folders of this machine or of a shared disk, and stores of a cloud, through PyArrow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pyarrow import fs

from chromseg.errors import DataError, OutputError
from chromseg.files import replacing

_TRIES = 10  # of one request to S3, with growing pauses: a store that answers 503 is busy, not broken


@dataclass(frozen=True)
class Entry:
    """A file below some place: its address, and its path from there."""

    uri: str
    relative: str


def is_remote(place: str) -> bool:
    """Whether a place is an address such as `s3://bucket/folder`, and no path."""
    return "://" in place


def join(place: str, *parts: str) -> str:
    """A place below another."""
    return "/".join([place.rstrip("/"), *parts])


def is_folder(place: str) -> bool:
    """Whether something lies below a place; a file, or nothing at all, is no folder.

    Raises:
        DataError: The place cannot be looked at, or is not there.
    """
    try:
        store, path = _opened(place)
        kind = store.get_file_info(path).type
    except OSError as error:
        raise _unreadable(place, error) from error
    if kind == fs.FileType.NotFound:
        raise DataError(f"no file or folder {place}", expected="pictures to work on", remedy="check the path")
    return bool(kind == fs.FileType.Directory)


def files_below(place: str, *, deep: bool = True) -> list[Entry]:
    """The files below a folder, in order of their paths; none if it is not there.

    Args:
        place: The folder.
        deep: Those in its folders too.

    Raises:
        DataError: The place cannot be looked at.
    """
    try:
        store, path = _opened(place)
        found = store.get_file_info(fs.FileSelector(path, recursive=deep, allow_not_found=True))
    except OSError as error:
        raise _unreadable(place, error) from error
    relative = (each.path[len(path) :].lstrip("/") for each in found if each.type == fs.FileType.File)
    return [Entry(join(place, each), each) for each in sorted(relative)]


def open_file(uri: str) -> Any:
    """A file, to be read at any place of it.

    Raises:
        DataError: It cannot be opened.
    """
    try:
        store, path = _opened(uri)
        return store.open_input_file(path)
    except OSError as error:
        raise _unreadable(uri, error) from error


def read(uri: str, offset: int = 0, size: int | None = None) -> bytes:
    """The bytes of a file, or `size` of them from `offset` on.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with open_file(uri) as stream:
            stream.seek(offset)
            return bytes(stream.read(size))
    except OSError as error:
        raise _unreadable(uri, error) from error


def write(uri: str, content: bytes) -> None:
    """Write a file in one step: a reader sees the old one or the new.

    Raises:
        OutputError: It cannot be written.
    """
    if not is_remote(uri):
        with replacing(Path(uri)) as temporary:
            temporary.write_bytes(content)
        return
    try:
        store, path = _opened(uri)
        with store.open_output_stream(path) as stream:  # a store shows an object once it is complete
            stream.write(content)
    except OSError as error:
        raise _unwritable("write", uri, error) from error


def remove(uri: str) -> None:
    """Take a file away.

    Raises:
        OutputError: It cannot be removed.
    """
    try:
        store, path = _opened(uri)
        store.delete_file(path)
    except OSError as error:
        raise _unwritable("remove", uri, error) from error


def _opened(place: str) -> tuple[Any, str]:
    if not is_remote(place):
        return fs.LocalFileSystem(), str(Path(place).absolute())
    scheme, _, path = place.partition("://")
    if scheme == "s3":
        return _s3(path.partition("/")[0]), path.rstrip("/")
    try:
        store, path = fs.FileSystem.from_uri(place)
    except ValueError as error:
        raise DataError(
            f"{place} ({error})", expected="a path, s3:// or gs://", remedy="mount the store, or copy from it"
        ) from error
    return store, path


@cache
def _s3(bucket: str) -> Any:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and endpoint is None:
        region = fs.resolve_s3_region(bucket)
    patience = fs.AwsDefaultS3RetryStrategy(max_attempts=_TRIES)  # "Standard" gives up after some hundred in all
    return fs.S3FileSystem(endpoint_override=endpoint, region=region, retry_strategy=patience)


def _unreadable(place: str, error: OSError) -> DataError:
    return DataError(
        f"{place} cannot be read ({_reason(error)})",
        expected="files that this account may read",
        remedy="check the address, its rights and your keys",
    )


def _unwritable(what: str, uri: str, error: OSError) -> OutputError:
    return OutputError(
        f"cannot {what} {uri} ({_reason(error)})",
        expected="a store in which this account may write and remove files",
        remedy="check its address, its rights and your keys; then run the same command again",
    )


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
