"""The MLflow store: where it is, how it is made, and how it is opened.

It is `sqlite:///<project>/mlruns/mlflow.db` with its artifacts under `mlruns/`; `MLFLOW_TRACKING_URI` overrides that.
Several processes that start on a fresh SQLite store all crash in MLflow's migration, so it is made under a lock, aside,
and renamed into place: others see no store or a whole one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from filelock import FileLock

from chromseg.errors import ChromsegError, OutputError, RegistryError, StoreError
from chromseg.files import replacing
from chromseg.project import sqlite_path, tracking_uri
from chromseg.registry.store.backend import MlflowClient, MlflowException, SQLAlchemyError, mlflow
from chromseg.registry.store.descriptions import KIND, NOTE, TRAINING, of_experiment

_NO_PLACE = (  # what SQLite and the system say of a place that takes nothing
    "disk is full", "disk I/O error", "readonly database", "unable to open database", "No space left", "Read-only file",
)  # fmt: skip
INIT_REMEDY = "run `chromseg-ops init` (`--with-bundled` for the bundled models)"


@dataclass(frozen=True)
class StoreState:
    """What `make_store` found and did."""

    uri: str
    action: Literal["created", "upgraded", "current", "reached"]  # reached: a server, which looks after itself


def make_store(created: Callable[[], None]) -> StoreState:
    """Create the store, or upgrade it to this MLflow's schema; do nothing to one that is current.

    Safe to call from several processes at once; `created` is called before any other process sees a new store. An
    upgraded store leaves `mlflow.db.before-upgrade-<time>` beside it.

    Raises:
        RegistryError: The server does not answer, the file is no MLflow store or belongs to a newer MLflow.
        OutputError: The place is read-only or the disk is full.
    """
    uri = tracking_uri()
    path = sqlite_path(uri)
    if path is None:
        _connect(uri)
        return StoreState(uri, "reached")
    with _locked(path):
        if not path.exists():
            _create(path)
            created()
            action: Literal["created", "upgraded", "current"] = "created"
        else:
            action = "upgraded" if _upgrade(path) else "current"
        _connect(uri)  # MLflow adds its default experiment on first contact: keep that under the lock too
    return StoreState(uri, action)


def open_store() -> MlflowClient:
    """A client of the existing store.

    Raises:
        StoreError: There is no store yet, it is out of date or damaged, or the server does not answer.
    """
    uri = tracking_uri()
    path = sqlite_path(uri)
    if path is not None and not path.exists():
        raise StoreError(f"no store at {path}", expected="an MLflow store", remedy=INIT_REMEDY)
    if path is not None and _revision(path) != _newest_revision():
        raise StoreError(
            f"the store {path} has the schema {_revision(path)}, not that of MLflow {mlflow.__version__}",
            expected=f"schema {_newest_revision()}",
            remedy="run `chromseg-ops init` to upgrade it",
        )
    return _connect(uri)


def experiment_id(client: MlflowClient, name: str) -> str:
    """The id of experiment `name`, made if need be; its artifacts lie beside the database, if that is a file.

    Raises:
        RegistryError: It was deleted in the MLflow UI.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=_artifact_location(name), tags=_seen_as(name)))
        except MlflowException as error:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise explained(error, f"experiment {name} cannot be made") from error
    if found.lifecycle_stage != "active":
        raise RegistryError(
            f"experiment {name} (id {found.experiment_id}) is deleted",
            expected="an active experiment",
            remedy=f"restore it with `mlflow experiments restore -x {found.experiment_id}`",
        )
    for key, text in _seen_as(name).items():
        if key not in found.tags:  # made by an earlier version of ChromSeg-Ops
            client.set_experiment_tag(found.experiment_id, key, text)
    return str(found.experiment_id)


def explained(error: Exception, what: str) -> StoreError:
    """An MLflow error as ours: `what` went wrong, and MLflow's own first line."""
    first_line = next(iter(str(error).strip().splitlines()), "no message")
    if isinstance(error, ModuleNotFoundError):
        return StoreError(
            f"{what} ({first_line})",
            expected="the library for this kind of store",
            remedy="pip install 'chromseg-ops[cluster]', or that library alone",
        )
    return StoreError(
        f"{what} ({first_line})",
        expected="an MLflow store that answers",
        remedy=f"check {tracking_uri()} (MLFLOW_TRACKING_URI), and run `chromseg-ops init`",
    )


def _connect(uri: str) -> MlflowClient:
    try:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
        return client
    except (MlflowException, SQLAlchemyError, ModuleNotFoundError) as error:  # of a damaged database the second
        raise explained(error, f"the store {uri} does not open") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the system frees the lock when a process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / ".init.lock", timeout=300):
            yield
    except OSError as error:
        raise _no_place(path, error) from error


def _no_place(path: Path, error: Exception) -> OutputError:
    why = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "")
    return OutputError(
        f"cannot make or upgrade the store {path} ({why})",
        expected="a writable folder with free space",
        remedy="correct its rights, free some space, or set MLFLOW_TRACKING_URI",
    )


def _create(path: Path) -> None:
    with replacing(path) as temporary:
        _migrate(temporary, path)


def _upgrade(path: Path) -> bool:
    """Bring an older store up to date after copying it; False if it is current."""
    if _revision(path) == _newest_revision():
        return False
    backup = path.with_name(f"{path.name}.before-upgrade-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        with replacing(backup) as copy, closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
    except sqlite3.OperationalError as error:
        raise _no_place(path, error) from error
    try:
        _migrate(path, path)
    except ChromsegError:
        backup.replace(path)  # some of its steps may have been taken
        raise
    return True


def _revision(path: Path) -> str:
    """The schema revision that a database says it has."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise StoreError(
            f"{path} is no MLflow store, or may not be read ({error})",
            expected="a database made by `chromseg-ops init`",
            remedy="move the file away (or restore it from a backup), then run `chromseg-ops init`",
        ) from error


@cache
def _newest_revision() -> str:
    """The schema revision of the installed MLflow."""
    from alembic.script import ScriptDirectory

    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations"
    return str(ScriptDirectory(str(migrations)).get_current_head())


def _migrate(database: Path, store: Path) -> None:
    """What `mlflow db upgrade` does to the database that is or will be that of `store`; it also builds an empty one."""
    from mlflow.db import upgrade

    try:
        upgrade.callback(f"sqlite:///{database}")
    except Exception as error:  # alembic, SQLAlchemy and MLflow each raise their own
        if any(sign in str(error) for sign in _NO_PLACE):
            raise _no_place(store, error) from error
        raise RegistryError(
            f"the store {store} cannot be brought to the schema of MLflow {mlflow.__version__} ({error})",
            expected="a store of this or an older MLflow",
            remedy="use the MLflow that made it; nothing was changed",
        ) from error


def _seen_as(experiment: str) -> dict[str, str]:
    """Tags by which MLflow's pages say what an experiment is and open their view for training."""
    return {KIND: TRAINING, NOTE: of_experiment(experiment)}


def _artifact_location(experiment: str) -> str | None:
    path = sqlite_path(tracking_uri())
    return None if path is None else (path.parent / experiment).as_uri()


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn an MLflow error of the block into a StoreError that says `what` could not be done."""
    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise explained(error, what) from error
