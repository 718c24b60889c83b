"""Fixtures that tests of several areas share."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clone import Clone
from dvc_record import record, record_run
from example_lineage import LINEAGE

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when PyTorch is imported: small networks lose time with more


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests see of audit logs is not kept among what this account has seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHROMSEG_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow puts the code of a package that it loads in front of all other; the next test must not find it there."""
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, migrated once a session: a fresh one costs seconds, a copy milliseconds."""
    from chromseg.registry.log.beginning import init_store

    root = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        init_store()
    return root / "mlruns" / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder without a store; the working folder, so that its store would be used."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    shutil.copy(Path(__file__).with_name("lenient_promotion.yaml"), root / "promotion.yaml")
    monkeypatch.chdir(root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("CHROMSEG_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CHROMSEG_ACTOR", "Ada Tester <ada@lab.example>")
    return root


@pytest.fixture
def store(project: Path, migrated_store: Path) -> Path:
    """The same with an empty store."""
    (project / "mlruns").mkdir()
    shutil.copy(migrated_store, project / "mlruns" / "mlflow.db")
    return project


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A fresh clone of the project, made once a session; what a test pulls there stays for the next."""
    return Clone(tmp_path_factory.mktemp("clone") / "project")


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Make a model folder with a tiny network, a complete lineage and its record: `make_model(seed=1, git_dirty=True)`.

    The record is the `run.json` of its training; of one with test scores the `dvc.lock` of the project in which the
    test works.
    """

    def make(folder: str = "", *, metrics: dict[str, float] | None = None, **changes: Any) -> Path:
        import torch

        from chromseg.config import ModelConfig
        from chromseg.models import build_model
        from chromseg.models.package import ModelCard, save_model

        lineage = LINEAGE | changes
        lineage["run_id"] = lineage["run_id"] or f"run-of-{lineage['variant']}-{lineage['seed']}"
        torch.manual_seed(int(lineage["seed"]))
        network = build_model(ModelConfig(architecture="unet", depth=1, width=2))
        card = ModelCard(
            name=str(lineage["variant"]), architecture=network.config, lineage=lineage, metrics=dict(metrics or {})
        )
        target = tmp_path / "models" / (folder or f"{lineage['variant']}-{lineage['seed']}")
        target.mkdir(parents=True)
        save_model(target, network, dataclasses.replace(card))
        record_run(target)
        if any(key.startswith("test/") for key in card.metrics):
            record(target, Path.cwd())
        return target

    return make
