"""How `models verify-log` ends: 0 sound, 1 not sound, 3 could not look. It writes nothing into the store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chromseg.cli.app import app
from chromseg.files import sha256
from chromseg.registry.promotion import history
from chromseg.registry.store.store import open_store
from chromseg.registry.transfer.backup import backup
from chromseg.registry.transfer.restore import restore
from chromseg.registry.versions.resolve import resolve

NOBODY = 65534


def _verify(*options: str) -> Result:
    return CliRunner().invoke(app, ["models", "verify-log", *options])


def test_a_head_from_paper_is_compared(promoted: Path) -> None:
    entries = history("chromseg")
    for length in (1, 4):
        assert _verify("--head", f"{length} {entries[length - 1].hash}").exit_code == 0
    for wrong in (f"3 {entries[-1].hash}", f"5 {entries[-1].hash}"):
        answer = _verify("--head", wrong)
        assert answer.exit_code == 1 and "--head has seen" in answer.stderr
    assert _verify("--head", entries[-1].hash).exit_code == 2


def test_what_is_not_sound_ends_with_1_even_if_something_could_not_be_seen(
    promoted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chromseg.registry.versions import resolve as module

    def unreadable(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "fetched_anew", unreadable)
    answer = _verify("--files")
    assert answer.exit_code == 3 and answer.stderr.startswith("not seen: the files of chromseg/1 cannot be read")
    open_store().delete_model_version("chromseg", "1")
    assert _verify("--files").exit_code == 1


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("sqlite:///nowhere/mlflow.db", "no store at"),
        ("sqlite:///pyproject.toml", "is no MLflow store"),
        ("http://127.0.0.1:1", "does not open"),
        ("nonsense://x", "does not open"),
    ],
)
def test_a_store_that_cannot_be_looked_at_ends_with_3(
    project: Path, monkeypatch: pytest.MonkeyPatch, uri: str, told: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    answer = _verify()
    assert (answer.exit_code, answer.stdout, answer.stderr.count("\n")) == (3, "", 1) and told in answer.stderr


@pytest.fixture
def read_only(promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project in which only the system's administrator may write; outside pytest's folders, which are closed."""
    backup(tmp_path / "registry.tar")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        monkeypatch.chdir(place)
        restore(tmp_path / "registry.tar")
        for path in (place, *place.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield place
        for path in (place, *place.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        monkeypatch.undo()


def _as_nobody(warm: Path, place: Path) -> None:
    """Verify in `place` without the administrator's rights; once elsewhere before, for imports that nobody may read."""
    for folder in (warm, place):
        os.chdir(folder)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        os.environ["CHROMSEG_STATE_DIR"] = str(folder / "state")
        answer = _verify("--files")
        if folder == warm and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    os._exit(answer.exit_code)


@pytest.mark.parametrize(("closed", "code"), [(None, 0), ("mlruns/mlflow.db", 3), ("mlruns", 3), ("weights", 3)])
def test_a_store_that_may_only_be_read_is_verified_and_one_that_may_not_ends_with_3(
    promoted: Path, read_only: Path, clean_process: ForkServerContext, closed: str | None, code: int
) -> None:
    before = {path: sha256(path) for path in read_only.rglob("*") if path.is_file()}
    if closed is not None:
        place = resolve("models:/chromseg/2") / "model.safetensors" if closed == "weights" else read_only / closed
        place.chmod(0)
    process = clean_process.Process(target=_as_nobody, args=(promoted, read_only))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == code
    if closed is not None:
        place.chmod(0o755 if place.is_dir() else 0o644)
    assert {path: sha256(path) for path in read_only.rglob("*") if path.is_file()} == before
