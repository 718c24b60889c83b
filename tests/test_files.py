"""A reader sees the old content or the new, never a half."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from chromseg.errors import DataError, OutputError
from chromseg.files import replacing, sha256, write_json, write_text


def test_file_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_failure_leaves_the_old_and_no_litter(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_folder_is_replaced_whole(tmp_path: Path) -> None:
    for names in (("a", "b"), ("c",)):
        with replacing(tmp_path / "out") as root:
            root.mkdir()
            for name in names:
                (root / name).write_text(name)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["c"]


def test_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"No space left.*free some space"), replacing(tmp_path / "a") as temporary:
        temporary.symlink_to("/dev/full")
        with temporary.open("w") as stream:
            stream.write("x" * 100_000)
    assert not (tmp_path / "a").exists()


def test_a_file_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another folder"):
        write_text(tmp_path / "file" / "below.txt", "x")


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_sha256_of_known_text(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_errors_say_got_expected_remedy_and_survive_a_pool() -> None:
    error = DataError("a polygon of two points", expected="three", remedy="redraw it")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == "a polygon of two points; expected three; redraw it"
    assert (type(copy), copy.got, copy.expected, copy.remedy) == (DataError, error.got, "three", "redraw it")
