"""A project with a pipeline of small commands, under git and DVC."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_pipeline import STAGE, STAGES, vary


@pytest.fixture
def pipeline(store: Path) -> Path:
    """The project; the working folder, with an empty store."""
    (store / "stage.py").write_text(STAGE)
    (store / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    (store / ".gitignore").write_text("/prepared\n/models\n/scores\n/comparison\n/begun\n/slow\n/mlruns\n")
    vary(store)
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@lab.example"]
    for command in (
        ["git", "init", "-q"],
        [sys.executable, "-m", "dvc", "init", "-q"],
        ["git", "add", "."],
        [*git, "commit", "-qm", "Begin"],
    ):
        subprocess.run(command, cwd=store, check=True)
    return store
