"""The door to DVC: what its files and its caches say, read without it where that is possible."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chromseg.dvc import check_out, folder_md5, run_dvc, stage_outputs, tracked_outputs
from chromseg.errors import DataError


def dvc(top: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=top, capture_output=True, check=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose cache lies elsewhere, as laboratories share one, and whose data is no longer here."""
    top = tmp_path / "project"
    (top / "data" / "lab" / "images").mkdir(parents=True)
    (top / "data" / "lab" / "images" / "1.png").write_bytes(b"pixels")
    (top / "data" / "lab" / "dataset.yaml").write_bytes(b"name: lab\n")
    dvc(top, "init", "-q", "--no-scm")
    dvc(top, "cache", "dir", str(tmp_path / "shared"))
    dvc(top, "add", "-q", "data/lab")
    return top


@pytest.mark.slow
def test_what_lies_in_a_shared_cache_is_at_hand(project: Path, tmp_path: Path) -> None:
    [tracked] = tracked_outputs(project / "data" / "lab.dvc")
    shutil.rmtree(project / "data" / "lab")
    assert tracked.path == project / "data" / "lab"
    assert not (project / ".dvc" / "cache" / "files").exists()
    assert check_out(project, str(tracked.md5), tmp_path / "out")
    assert folder_md5(tmp_path / "out") == tracked.md5
    assert not check_out(project, "0" * 32 + ".dir", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("store", [".dvc/cache", "dvcstore"])
def test_a_folder_of_which_a_file_is_gone_is_not_at_hand(tmp_path: Path, store: str) -> None:
    files = tmp_path / store / "files" / "md5"
    (files / "aa").mkdir(parents=True)
    (files / "aa" / "1.dir").write_text('[{"md5": "bb2", "relpath": "x/y"}, {"md5": "cc3", "relpath": "z"}]')
    (files / "bb").mkdir()
    (files / "bb" / "2").write_text("y")
    assert not check_out(tmp_path, "aa1.dir", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (files / "cc").mkdir()
    (files / "cc" / "3").write_text("z")
    assert check_out(tmp_path, "aa1.dir", tmp_path / "out")
    assert ((tmp_path / "out/x/y").read_text(), (tmp_path / "out/z").read_text()) == ("y", "z")


def test_outputs_are_found_where_their_stage_worked(tmp_path: Path) -> None:
    profile = tmp_path / "profiles" / "mylab"
    profile.mkdir(parents=True)
    locked = {"cmd": "train", "outs": [{"path": "profiles/mylab/models/net-0", "md5": "aa.dir"}, {"path": "log"}]}
    (profile / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"train": {"wdir": "../..", "cmd": "train"}}}))
    (profile / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"train@net-0": locked}}))
    first, second = stage_outputs(tmp_path)
    assert (first.file, first.path, first.md5) == (profile / "dvc.lock", profile / "models" / "net-0", "aa.dir")
    assert (second.path, second.md5) == (tmp_path / "log", None)
    assert first.stage["cmd"] == "train"


def test_no_project_no_outputs_and_no_command(tmp_path: Path) -> None:
    assert [*stage_outputs(tmp_path), *tracked_outputs(tmp_path / "data.dvc")] == []
    assert not check_out(tmp_path, "aa1.dir", tmp_path / "out")
    with pytest.raises(DataError, match="no DVC project"):
        run_dvc(tmp_path, "status")
