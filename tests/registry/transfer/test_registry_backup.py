"""The store as one file, and back: in its place, or in another one."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chromseg.errors import RegistryError
from chromseg.registry.log.audit import LOG
from chromseg.registry.promotion import promote, rollback
from chromseg.registry.transfer import backup as module
from chromseg.registry.transfer.backup import backup
from chromseg.registry.transfer.restore import restore
from chromseg.registry.versions.listing import list_versions, show
from chromseg.registry.versions.resolve import resolve
from chromseg.registry.versions.verify import verify


@pytest.fixture
def saved(promoted: Path, tmp_path: Path) -> Path:
    """A backup of a store with four entries."""
    assert backup(tmp_path / "registry.tar").length == 4
    return tmp_path / "registry.tar"


@pytest.fixture
def move(promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Go to another project, which has no store; in the first one's place MLflow would go on with what it has open."""

    def go() -> Path:
        project = tmp_path / "moved"
        project.mkdir()
        (project / "pyproject.toml").touch()
        shutil.copy(promoted / "promotion.yaml", project)
        monkeypatch.chdir(project)
        return project

    return go


def test_restored_in_another_place_it_works_there(saved: Path, move: Callable[[], Path]) -> None:
    before = verify()
    project = move()
    assert restore(saved).head == before.head
    verdict = verify(files=True)
    assert (verdict.head, verdict.problems, verdict.notes) == (before.head, (), ())
    assert project in resolve("models:/chromseg@champion").parents
    assert [version.number for version in list_versions()] == [1, 2]
    rollback("chromseg", reason="not better")
    promote("chromseg/2", reason="better after all")
    assert verify().length == 6
    with pytest.raises(RegistryError, match="there is a store"):
        restore(saved)
    assert restore(saved, replace=True).length == 4
    [kept] = project.glob("mlruns.before-restore-*")
    assert (kept / "mlflow.db").is_file() and (project / "mlruns" / "mlflow.db").is_file()


def test_a_promotion_while_the_backup_is_made_is_in_it_or_not_and_it_works(
    promoted: Path, move: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.log_of

    def overtaken(database: Path) -> Any:
        promote("chromseg/1", reason="meanwhile")
        return real(database)

    with monkeypatch.context() as patch:
        patch.setattr(module, "log_of", overtaken)
        backup(tmp_path / "registry.tar")
    move()
    assert restore(tmp_path / "registry.tar").length == 4
    assert show("chromseg@champion").number == 2
    assert verify().problems == ()


def test_a_cut_log_is_still_found_out_after_backup_and_restore(
    promoted: Path, move: Callable[[], Path], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(promoted / "mlruns" / "mlflow.db")) as connection, connection:
        for table in ("model_version_tags", "model_versions"):
            connection.execute(f"DELETE FROM {table} WHERE name = ? AND version = 4", (LOG,))
    assert backup(tmp_path / "registry.tar").length == 3
    move()
    restore(tmp_path / "registry.tar")
    assert len([problem for problem in verify().problems if "cut off" in problem]) == 2


def test_a_file_that_grows_while_the_backup_is_made_does_not_spoil_it(
    promoted: Path, move: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (promoted / "mlruns" / "notes.txt").write_text("short")
    real = tarfile.TarFile.addfile

    def late(archive: tarfile.TarFile, info: tarfile.TarInfo, *arguments: Any) -> None:
        if info.name.endswith("notes.txt"):
            (promoted / "mlruns" / "notes.txt").write_text("longer now")
        real(archive, info, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "addfile", late)
        backup(tmp_path / "registry.tar")
    project = move()
    restore(tmp_path / "registry.tar")
    assert (project / "mlruns" / "notes.txt").read_text() == "longe"


def test_a_damaged_backup_is_not_restored(
    saved: Path, promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = tmp_path / "unpacked"
    with tarfile.open(saved) as archive:
        archive.extractall(unpacked, filter="data")
    [weights, *_] = unpacked.rglob("model.safetensors")
    weights.write_bytes(b"")
    with tarfile.open(saved, "w") as archive:
        archive.add(unpacked, "")
    with pytest.raises(RegistryError, match=r"model.safetensors was changed"):
        restore(saved, replace=True)
    saved.write_bytes(b"no tar")
    with pytest.raises(RegistryError, match="cannot be restored"):
        restore(saved, replace=True)
    assert show("chromseg@champion").number == 2 and not list(promoted.glob(".restore-*"))


def test_nothing_is_overwritten_and_a_server_is_told(
    saved: Path, promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RegistryError, match="exists"):
        backup(saved)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    for act in (lambda: backup(tmp_path / "new.tar"), lambda: restore(saved)):
        with pytest.raises(RegistryError, match=r"is a server.*pg_dump"):
            act()
