"""Where the project, its pipelines and its store are."""

from __future__ import annotations

from pathlib import Path

import pytest

from chromseg.project import DEFAULT, Pipeline, artifact_folder, own_store, pipelines_of, tracking_uri


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    for name in ("paper", "mylab"):
        (tmp_path / "profiles" / name).mkdir(parents=True)
    (tmp_path / "profiles" / "README.md").touch()
    monkeypatch.chdir(tmp_path / "profiles" / "mylab")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_the_projects_own_pipeline_comes_first_and_others_by_name(project: Path) -> None:
    assert [each.name for each in pipelines_of(project)] == [DEFAULT, "mylab", "paper"]


def test_a_pipeline_keeps_its_files_together_but_reports_with_all_others(project: Path) -> None:
    own, other = Pipeline(top=project), Pipeline("mylab", project)
    assert (own.params_file, other.params_file) == (project / "params.yaml", project / "profiles/mylab/params.yaml")
    assert (own.lock_file, other.pipeline_file) == (project / "dvc.lock", project / "profiles/mylab/dvc.yaml")
    assert other.model("net", 3) == project / "profiles/mylab/models/net-3"
    assert own.scores("net", 3) == project / "reports/default/scores/net-3"
    assert other.scores("net", 3) == project / "reports/mylab/scores/net-3"


def test_the_store_is_the_projects_wherever_in_it_one_stands(project: Path) -> None:
    assert tracking_uri() == own_store(project) == f"sqlite:///{project}/mlruns/mlflow.db"


def test_artifacts_go_beside_a_database_file_and_else_into_the_project(project: Path) -> None:
    assert artifact_folder(f"sqlite:///{project}/elsewhere/mlflow.db") == project / "elsewhere"
    assert artifact_folder("postgresql://lab/mlflow") == project / "mlruns"
