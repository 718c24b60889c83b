"""Processes that start at the same moment, or die at a chosen one."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chromseg.registry.versions.resolve import Resolved


@pytest.fixture(scope="session")
def clean_process() -> ForkServerContext:
    """Processes forked from one that has imported MLflow and torch and done nothing else: imports are paid once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["chromseg.registry.promotion", "chromseg.registry.card.files", "alembic.script"])
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)  # of the test that comes first; all processes would have it
        forkserver.ensure_running()
    return context


@pytest.fixture(scope="session")
def _promoted_once() -> list[Path]:
    """Where `promoted` was built first, and the copy of its files; empty before."""
    return []


@pytest.fixture
def promoted(
    store: Path,
    make_model: Callable[..., Path],
    _promoted_once: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A project with chromseg/1 and chromseg/2, each promoted in its turn: four entries in the log.

    Built once a session and put back for each test, in its first place, because the store records absolute paths.
    """
    from put_back import put_back

    from chromseg.project import state_folder
    from chromseg.registry.promotion import promote
    from chromseg.registry.versions.register import register

    if not _promoted_once:
        for seed in range(2):
            register(make_model(seed=seed, metrics={"test/overall_acc": 0.25 + seed / 2}), "chromseg")
        for number in (1, 2):
            promote(f"chromseg/{number}", reason="newer")
        copy = tmp_path_factory.mktemp("promoted")
        shutil.copytree(store / "mlruns", copy / "mlruns")
        shutil.copytree(state_folder(), copy / "state")
        _promoted_once.extend([store, copy])
    place, copy = _promoted_once
    monkeypatch.setenv("CHROMSEG_STATE_DIR", str(place.parent / "state"))
    put_back(copy / "mlruns", place / "mlruns")
    (place / "promotion.yaml").write_bytes((store / "promotion.yaml").read_bytes())
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def parents(make_model: Callable[..., Path], tmp_path: Path) -> tuple[Resolved, Resolved]:
    """Two model folders as the registry would hand them out."""
    from tiny_cascade import make_detector

    from chromseg.registry.versions.resolve import Resolved

    return Resolved(make_model("maps"), "chromseg", 3), Resolved(
        make_detector(tmp_path / "models/detector"), "ucrd-net", 1
    )
