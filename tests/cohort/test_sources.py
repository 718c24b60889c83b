"""Which pictures a cohort has, on a disk and in an S3 that is now and then busy."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from busy_s3 import busy_s3

from chromseg.cohort import storage
from chromseg.cohort.sources import PictureFile, find_pictures, members
from chromseg.errors import DataError, OutputError


def packed(path: Path, contents: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in contents.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    folder = tmp_path / "cells"
    for name in ("a.png", "day 1/b.TIF", "day 1/notes.txt", "day 2/c.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def test_folders_patterns_and_files_give_keys_below_them(cells: Path) -> None:
    assert [each.key for each in find_pictures([str(cells)], "out")] == ["a", "day 1/b", "day 2/c"]
    assert [each.key for each in find_pictures([f"{cells}/day*/*"], "out")] == ["day 1/b", "day 2/c"]
    (one,) = find_pictures([str(cells / "a.png")], "out")
    assert (one.key, one.read()) == ("a", b"a.png")
    with pytest.raises(DataError, match="no file or folder"):
        find_pictures([str(cells / "none")], "out")
    with pytest.raises(DataError, match="holds no picture"):
        find_pictures([f"{cells}/*.bmp"], "out")


def test_results_are_no_pictures_and_no_two_pictures_share_one(cells: Path) -> None:
    assert [each.key for each in find_pictures([str(cells)], str(cells / "day 2"))] == ["a", "day 1/b"]
    (cells / "a.jpg").touch()
    with pytest.raises(DataError, match=r"a\.jpg and .*a\.png would both be a"):
        find_pictures([str(cells)], "out")


def test_an_archive_gives_the_bytes_of_each_of_its_pictures(cells: Path) -> None:
    packed(cells / "night.tar", {"x/1.png": b"one", "x/2.tif": b"twoo", "readme.md": b"text"})
    (archive,) = (each for each in find_pictures([str(cells)], "out") if each.is_archive)
    found = members(archive)
    assert [(each.key, each.name, each.read()) for each in found] == [
        ("night/x/1", f"{cells}/night.tar/x/1.png", b"one"),
        ("night/x/2", f"{cells}/night.tar/x/2.tif", b"twoo"),
    ]
    (cells / "night.tar").write_bytes(b"no archive")
    with pytest.raises(DataError, match="no tar archive"):
        members(archive)


def test_names_cannot_lead_out_of_the_destination(cells: Path) -> None:
    packed(cells / "evil.tar", {"../../x.png": b"one", "/etc/y.png": b"two"})
    keys = [each.key for each in members(PictureFile(str(cells / "evil.tar"), "evil"))]
    assert keys == ["evil/x", "evil/etc/y"]


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A place in an S3 that answers every third request with 503."""
    with busy_s3() as place:
        yield place


def test_a_busy_store_is_read_and_written(store: str, cells: Path) -> None:
    packed(cells / "night.tar", {"x/1.png": b"one"})
    for path in sorted(path for path in cells.rglob("*") if path.is_file()):
        storage.write(storage.join(store, path.relative_to(cells).as_posix()), path.read_bytes())
    found = find_pictures([store], "out")
    assert [each.key for each in found] == ["a", "day 1/b", "day 2/c", "night"]
    assert [each.read() for each in found[:3]] == [b"a.png", b"day 1/b.TIF", b"day 2/c.jpg"]
    assert [each.read() for each in members(found[3])] == [b"one"]
    assert [each.key for each in find_pictures([f"{store}/day*/*.TIF"], "out")] == ["day 1/b"]
    assert {found[0].read() for _ in range(200)} == {b"a.png"}, "patience does not wear off"
    storage.remove(found[0].uri)
    assert len(find_pictures([store], "out")) == 3
    assert storage.files_below(f"{store}/nothing") == []


def test_a_store_that_cannot_be_used_is_one_line(store: str) -> None:
    with pytest.raises(DataError, match="no-such-bucket"):
        storage.read("s3://no-such-bucket/a.png")
    with pytest.raises(OutputError, match="cannot write s3://no-such-bucket"):
        storage.write("s3://no-such-bucket/a.png", b"x")
    with pytest.raises(DataError, match="expected a path, s3:// or gs://"):
        find_pictures(["ftp://somewhere/a.png"], "out")
