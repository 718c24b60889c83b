"""Where the project is, its store, its pipelines and its data: the one place that knows.

It needs no MLflow, so that bare GPU nodes can gather a lineage too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT = "default"  # the pipeline at the top of the project
DATA = "data"  # folder of all datasets
PROFILES = "profiles"  # folder of all other pipelines
REPORTS = "reports"  # folder of what the stages found
CODE = ("chromseg", "pipelines")  # folders of the code that decides results
_STORE = "mlruns"
MARKERS = ("mlruns/mlflow.db", ".dvc", "pyproject.toml")
SQLITE = "sqlite:///"


def project_root(start: Path | None = None) -> Path:
    """The nearest folder at or above `start` (default: the working folder) that looks like a project, else `start`.

    A project holds a store, `.dvc` or `pyproject.toml`; `params.yaml` is no marker, because each profile has one.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    return start


def store_root() -> Path:
    """The project whose `mlruns/` takes runs and checkpoints.

    A queued experiment runs in a copy of the project that DVC makes below `.dvc/tmp` and deletes afterwards; DVC tells
    it where the project itself is.
    """
    here, home = project_root(), Path(os.environ.get("DVC_ROOT") or ".").resolve()
    return home if here.is_relative_to(home / ".dvc" / "tmp") else here


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI` if set, else the SQLite store of the project around the working folder.

    A relative SQLite path means the same file within a queued experiment as in the project.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or own_store(store_root())
    named = Path(uri.removeprefix(SQLITE))
    if uri.startswith(SQLITE) and not named.is_absolute() and store_root() != project_root():
        return f"{SQLITE}{store_root() / named}"
    return uri


def own_store(top: Path) -> str:
    """The SQLite store that belongs to the project at `top`."""
    return f"{SQLITE}{top / _STORE / 'mlflow.db'}"


def artifact_folder(uri: str) -> Path:
    """Where the files of a store's runs and models go: beside a SQLite database, else into the project's `mlruns/`."""
    path = sqlite_path(uri)
    return path.parent if path else store_root() / _STORE


def package_cache() -> Path:
    """Where packages of registered models are kept that came from elsewhere."""
    return project_root() / _STORE / "cache"


def checkpoints(profile: str) -> Path:
    """Where interrupted trainings of a pipeline are kept."""
    return store_root() / _STORE / "checkpoints" / profile


def sweep_logs(profile: str) -> Path:
    """Where the steps of a sweep print to."""
    return store_root() / _STORE / "sweeps" / profile


def sqlite_path(uri: str) -> Path | None:
    """The database file of a SQLite URI, absolute; None for a server or another database."""
    return Path(uri.removeprefix(SQLITE)).resolve() if uri.startswith(SQLITE) else None


def canonical_uri(uri: str) -> str:
    """One spelling for all that mean the same store: a path without links, an address without account and slash."""
    path = sqlite_path(uri)
    if path is not None:
        return f"{SQLITE}{path}"
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    port = parts.port or {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}.get(scheme)
    return f"{scheme}://{parts.hostname or ''}:{port}{parts.path.rstrip('/')}"


def state_folder() -> Path:
    """Where this account keeps what it has seen of stores, outside of all of them.

    `CHROMSEG_STATE_DIR`, else `chromseg-ops` below `XDG_STATE_HOME`, else `~/.local/state/chromseg-ops`.
    """
    chosen, standard = os.environ.get("CHROMSEG_STATE_DIR"), os.environ.get("XDG_STATE_HOME", "")
    if chosen:
        return Path(chosen).resolve()
    return (Path(standard) if Path(standard).is_absolute() else Path("~/.local/state").expanduser()) / "chromseg-ops"


@dataclass(frozen=True)
class Pipeline:
    """The files of one pipeline: the project's own at the top, others below `profiles/`.

    Attributes:
        name: Of the profile, or `DEFAULT`.
        top: Of the project; stages run there, so for them it is the working folder.
    """

    name: str = DEFAULT
    top: Path = Path()

    @property
    def root(self) -> Path:
        """Folder of its params.yaml and dvc.yaml."""
        return self.top if self.name == DEFAULT else self.top / PROFILES / self.name

    @property
    def params_file(self) -> Path:
        """Its params.yaml."""
        return self.root / "params.yaml"

    @property
    def pipeline_file(self) -> Path:
        """Its dvc.yaml."""
        return self.root / "dvc.yaml"

    @property
    def lock_file(self) -> Path:
        """Its dvc.lock."""
        return self.root / "dvc.lock"

    @property
    def prepared(self) -> Path:
        """Samples, written by `prepare`."""
        return self.root / "prepared"

    @property
    def models(self) -> Path:
        """Trained variants, a folder each."""
        return self.root / "models"

    def model(self, variant: str, seed: int) -> Path:
        """Folder of one trained variant."""
        return self.models / f"{variant}-{seed}"

    @property
    def reports(self) -> Path:
        """What `validate`, `evaluate` and `compare` write."""
        return self.top / REPORTS / self.name

    def scores(self, variant: str, seed: int) -> Path:
        """Folder of one variant's test scores."""
        return self.reports / "scores" / f"{variant}-{seed}"

    def pretraining(self, variant: str, seed: int) -> Path:
        """Folder of what one pre-trained classifier scores."""
        return self.reports / "pretraining" / f"{variant}-{seed}"


def pipelines_of(top: Path) -> Iterator[Pipeline]:
    """The project's own pipeline, then whatever lies below `profiles/`, by name."""
    yield Pipeline(DEFAULT, top)
    yield from (Pipeline(folder.name, top) for folder in sorted((top / PROFILES).glob("*")) if folder.is_dir())


def dataset_folder(name: str, top: Path = Path()) -> Path:
    """Where a dataset of the project at `top` lies."""
    return top / DATA / name
