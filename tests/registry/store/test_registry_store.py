from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from chromseg.errors import OutputError, RegistryError
from chromseg.project import project_root, store_root, tracking_uri
from chromseg.registry.log.beginning import init_store
from chromseg.registry.store.store import experiment_id, open_store


def _start(folder: Path, barrier: Barrier) -> None:
    os.chdir(folder)
    barrier.wait()
    action = init_store().action
    experiment_id(open_store(), "chromseg")
    (folder / f"{os.getpid()}.action").write_text(action)


def test_four_processes_may_start_on_a_fresh_store_at_once(project: Path, clean_process: ForkServerContext) -> None:
    barrier = clean_process.Barrier(4)
    processes = [clean_process.Process(target=_start, args=(project, barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert sorted(file.read_text() for file in project.glob("*.action")) == ["created", *["current"] * 3]
    assert sorted(each.name for each in open_store().search_experiments()) == ["Default", "chromseg"]


def test_init_creates_once(project: Path) -> None:
    assert init_store().action == "created"
    assert init_store().action == "current"
    assert {path.name for path in (project / "mlruns").iterdir()} == {"mlflow.db", ".init.lock"}


def test_init_upgrades_an_older_store_and_keeps_a_copy(store: Path) -> None:
    database = store / "mlruns" / "mlflow.db"
    before = _revision(database)
    previous = _downgrade(database)
    assert previous != before
    with pytest.raises(RegistryError, match="has the schema"):
        open_store()
    assert init_store().action == "upgraded"
    assert _revision(database) == before
    [copy] = (store / "mlruns").glob("mlflow.db.before-upgrade-*")
    assert _revision(copy) == previous


def test_a_store_of_a_newer_mlflow_is_refused(store: Path) -> None:
    _set_revision(store / "mlruns" / "mlflow.db", "f00dfacef00d")
    with pytest.raises(RegistryError, match="cannot be brought to the schema"):
        init_store()


def test_a_file_that_is_no_store_is_named(project: Path) -> None:
    (project / "mlruns").mkdir()
    (project / "mlruns" / "mlflow.db").write_text("not a database, but some text that is long enough to be read")
    for action in (init_store, open_store):
        with pytest.raises(RegistryError, match="is no MLflow store"):
            action()


def test_without_a_store_the_remedy_is_init(project: Path) -> None:
    with pytest.raises(RegistryError, match=r"no store at .*chromseg-ops init"):
        open_store()
    assert not (project / "mlruns").exists()


def test_a_place_that_cannot_be_written_is_named(project: Path) -> None:
    (project / "mlruns").write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot make or upgrade the store"):
        init_store()


FULL = sqlite3.OperationalError("database or disk is full")
NO_PLACE = [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only file system"), FULL]


@pytest.mark.parametrize("error", NO_PLACE, ids=str)
def test_on_a_full_or_read_only_disk_init_says_so_and_leaves_nothing_half_made(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from mlflow import db

    def full(uri: str) -> None:
        Path(uri.removeprefix("sqlite:///")).write_bytes(b"half of a database")
        raise error

    monkeypatch.setattr(db.upgrade, "callback", full)
    with pytest.raises(OutputError, match=r"cannot make or upgrade the store .*free some space"):
        init_store()
    assert [path.name for path in (project / "mlruns").iterdir()] == [".init.lock"]
    monkeypatch.undo()
    monkeypatch.chdir(project)
    assert init_store().action == "created"


def test_an_upgrade_that_breaks_off_leaves_the_store_as_it_was(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import db

    database = store / "mlruns" / "mlflow.db"
    previous = _downgrade(database)

    def full(uri: str) -> None:
        _set_revision(database, "halfway")
        raise FULL

    monkeypatch.setattr(db.upgrade, "callback", full)
    with pytest.raises(OutputError, match="disk is full"):
        init_store()
    assert _revision(database) == previous
    assert {path.name for path in (store / "mlruns").iterdir()} == {"mlflow.db", ".init.lock"}
    monkeypatch.undo()
    monkeypatch.chdir(store)
    assert init_store().action == "upgraded"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")
@pytest.mark.parametrize(("options", "told"), [("size=256k", "disk is full"), ("ro", "Read-only file system")])
def test_init_on_a_disk_that_is_really_so(project: Path, options: str, told: str) -> None:
    place = project / "mlruns"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        command = [Path(sys.executable).with_name("chromseg-ops"), "init"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1)
        assert "cannot make or upgrade the store" in answer.stderr and told in answer.stderr
        assert {path.name for path in place.iterdir()} <= {".init.lock"}
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_the_project_is_found_from_below_and_a_profile_is_none(project: Path) -> None:
    below = project / "profiles" / "paper"
    below.mkdir(parents=True)
    (below / "params.yaml").write_text("")
    assert project_root(below) == project


def test_outside_a_project_the_working_folder_is_used(tmp_path: Path) -> None:
    assert project_root(tmp_path) == tmp_path


@pytest.fixture
def queued(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which DVC runs an experiment of the project's queue; the working folder."""
    copy = project / ".dvc/tmp/exps/tmp1x2y3z"
    (copy / ".dvc").mkdir(parents=True)
    (copy / "pyproject.toml").touch()
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(project))
    return copy


def test_a_queued_experiment_keeps_runs_and_checkpoints_in_the_project(
    queued: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project_root() == queued and store_root() == project
    assert tracking_uri() == f"sqlite:///{project}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other/mlflow.db")
    assert tracking_uri() == f"sqlite:///{project}/other/mlflow.db"
    for elsewhere in ("sqlite:////data/mlflow.db", "http://127.0.0.1:1"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", elsewhere)
        assert tracking_uri() == elsewhere


def test_another_project_that_a_stage_works_in_keeps_its_own_store(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(project))
    assert store_root() == project
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / "tree")
    assert store_root() == tmp_path / "tree"


def test_the_environment_names_another_store(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracking_uri() == f"sqlite:///{project}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri() == "http://127.0.0.1:1"


def test_artifacts_lie_beside_the_database(store: Path) -> None:
    client = open_store()
    experiment = client.get_experiment(experiment_id(client, "cascade"))
    assert experiment.artifact_location == (store / "mlruns" / "cascade").as_uri()
    assert experiment_id(client, "cascade") == experiment.experiment_id


def test_a_deleted_experiment_is_not_used(store: Path) -> None:
    client = open_store()
    client.delete_experiment(experiment_id(client, "chromseg"))
    with pytest.raises(RegistryError, match=r"experiment chromseg .* is deleted"):
        experiment_id(client, "chromseg")


def test_telemetry_and_pickles_are_off() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


def _revision(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _set_revision(database: Path, revision: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def _downgrade(database: Path) -> str:
    """Take MLflow's last migration back; the revision it is then at."""
    import mlflow
    from alembic import command
    from alembic.config import Config

    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations"
    config = Config(migrations / "alembic.ini")
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{database}")
    command.downgrade(config, "-1")
    return _revision(database)
