"""A reader sees the old content or the new, never a half."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def writer_at_work(target: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process in the middle of writing a folder, and what it has beside the target."""
    script = (
        "import pathlib, sys, time; from chromseg.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as root: root.mkdir(); print('at work', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "at work\n"
        (holder,) = target.parent.glob(".*")
        try:
            yield process, holder
        finally:
            process.kill()


def test_what_a_killed_writer_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    with writer_at_work(tmp_path / "a[1]") as (process, holder):
        process.kill()
    assert holder.is_dir()
    write_text(tmp_path / "a[1]", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a[1]"]


def test_what_another_is_writing_stays(tmp_path: Path) -> None:
    with writer_at_work(tmp_path / "a") as (_, holder):
        write_text(tmp_path / "a", "mine")
        assert holder.is_dir()


def test_many_writers_of_one_file_do_not_take_each_others_folders_for_abandoned(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from chromseg.files import write_text\n"
        "for turn in range(300): write_text(pathlib.Path(sys.argv[1]), sys.argv[2] * 1000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, tmp_path / "a", name]) for name in "xyz"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() in {name * 1000 for name in "xyz"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_breaks_a_swap_off_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def break_off(source: Path, target: Path) -> Path:
        if source.name == "a":
            raise error
        return rename(source, target)

    rename = Path.replace
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").touch()
    monkeypatch.setattr(Path, "replace", break_off)
    with pytest.raises((KeyboardInterrupt, OutputError)), replacing(tmp_path / "a") as root:
        root.mkdir()
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("a"), Path("a", "old")]


@pytest.mark.parametrize("names", [("a", "previous"), ("previous",)], ids=["new there", "new lost"])
def test_a_swap_that_broke_off_is_finished_before_anything_else_can_fail(tmp_path: Path, names: tuple[str]) -> None:
    for name in names:
        (tmp_path / ".a.tmp-killed" / name).mkdir(parents=True)
        (tmp_path / ".a.tmp-killed" / name / name).touch()
    with pytest.raises(RuntimeError), replacing(tmp_path / "a"):
        raise RuntimeError
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("a"), Path("a", names[0])]


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
