"""The store as one file, and back: in its place, or in another one."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from chromseg.errors import RegistryError
from chromseg.registry.backup import backup, restore
from chromseg.registry.promotion import promote, rollback
from chromseg.registry.resolve import resolve
from chromseg.registry.verify import verify
from chromseg.registry.versions import list_versions, show


@pytest.fixture
def saved(promoted: Path, tmp_path: Path) -> Path:
    """A backup of a store with four entries."""
    assert backup(tmp_path / "registry.tar").length == 4
    return tmp_path / "registry.tar"


def test_restored_in_another_place_it_works_there(
    saved: Path, promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verify()
    project = tmp_path / "moved"
    project.mkdir()
    (project / "pyproject.toml").touch()
    shutil.copy(promoted / "promotion.yaml", project)
    monkeypatch.chdir(project)
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
